#!/usr/bin/env bash
# Checks the run store against real signac, and the notes against the Python package agentic-experiments, in both
# directions, and exports against real mlflow. Needs Python 3.11 or newer with venv and pip; installs the packages into
# .cache/signac-venv and .cache/mlflow-venv once.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.cache/signac-venv
python=${PYTHON:-python3}
if ! command -v "$python" >/dev/null; then
  echo "error: $python is missing; install Python 3, or name one with PYTHON=…" >&2
  exit 2
fi
agentic=0.6.1
if ! "$venv/bin/python" -c "import signac, aexp; assert (signac.__version__[:2], aexp.__version__) == ('2.', '$agentic')" \
  2>/dev/null; then
  echo "Making a virtual environment with signac 2 and agentic-experiments $agentic in $venv …"
  rm -rf "$venv"
  "$python" -m venv "$venv" || { echo "error: $python cannot make virtual environments; install python3-venv" >&2; exit 2; }
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check 'signac>=2,<3' "agentic-experiments==$agentic"
fi
"$venv/bin/python" -c 'import signac, sys; print(f"signac {signac.__version__}, Python {sys.version.split()[0]}")'
mlflow_python=$(scripts/install-mlflow.sh)
"$mlflow_python" -W ignore -c 'import mlflow; print(f"mlflow {mlflow.__version__}")'
MLFLOW_PYTHON=$mlflow_python SIGNAC_PYTHON=$PWD/$venv/bin/python exec npx vitest run --config test/interop/vitest.config.ts
