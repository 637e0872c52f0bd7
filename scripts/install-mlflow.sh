#!/usr/bin/env bash
# Installs the part of mlflow that reads a folder of runs into .cache/mlflow-venv, once, and prints its Python. Needs
# Python 3.10 or newer with venv and pip.
set -euo pipefail
cd "$(dirname "$0")/.."

# The newest version that reads such folders; what it needs to be told to do so is in test/interop/mlflow_side.py.
version=3.17.2
venv=.cache/mlflow-venv
python=${PYTHON:-python3}
if ! "$venv/bin/python" -c "import mlflow; assert mlflow.__version__ == '$version'" 2>/dev/null; then
  echo "Making a virtual environment with mlflow-skinny $version in $venv …" >&2
  rm -rf "$venv"
  "$python" -m venv "$venv" || { echo "error: $python cannot make virtual environments; install python3-venv" >&2; exit 2; }
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "mlflow-skinny==$version" >&2
fi
echo "$PWD/$venv/bin/python"
