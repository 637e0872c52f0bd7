#!/usr/bin/env bash
# Installs what `npm run bench` compares aexp with: GNU parallel, task-spooler, make and Snakemake (Debian packages), pueue
# (built with cargo into .cache/pueue) and DVC (from PyPI into the virtual environment .cache/dvc-venv; needs Python 3.9 or
# newer with venv and pip). What cannot be installed is named, and the benchmark says that it is missing.
set -uo pipefail
cd "$(dirname "$0")/.."

install_package() {
  local sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  [ -n "${is_updated-}" ] || $sudo apt-get update -q && is_updated=yes
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends "$1"
}

dvc_version=3.67.1
dvc_venv=.cache/dvc-venv
install_dvc() {
  rm -rf "$dvc_venv"
  "${PYTHON:-python3}" -m venv "$dvc_venv" &&
    "$dvc_venv/bin/python" -m pip install --quiet --disable-pip-version-check "dvc==$dvc_version"
}

missing=()
for tool in parallel:parallel tsp:task-spooler make:make snakemake:snakemake; do
  command -v "${tool%:*}" >/dev/null || install_package "${tool#*:}" || missing+=("${tool#*:}")
done
if ! command -v pueue >/dev/null && [ ! -x .cache/pueue/bin/pueue ]; then
  cargo install pueue --version 4.0.4 --locked --root .cache/pueue || missing+=(pueue)
fi
[ "$("$dvc_venv/bin/dvc" --version 2>/dev/null)" = "$dvc_version" ] || install_dvc || missing+=(DVC)
[ ${#missing[@]} = 0 ] || printf 'not installed: %s\n' "${missing[@]}" >&2
