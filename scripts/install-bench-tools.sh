#!/usr/bin/env bash
# Installs what `npm run bench` compares workers with: GNU parallel and task-spooler (Debian packages), and pueue (built
# with cargo into .cache/pueue). What cannot be installed is named, and the benchmark leaves it out.
set -uo pipefail
cd "$(dirname "$0")/.."

install_packages() {
  local sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update -q && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q parallel task-spooler
}

missing=()
command -v parallel >/dev/null && command -v tsp >/dev/null || install_packages || missing+=("parallel or task-spooler")
if ! command -v pueue >/dev/null && [ ! -x .cache/pueue/bin/pueue ]; then
  cargo install pueue --version 4.0.4 --locked --root .cache/pueue || missing+=(pueue)
fi
[ ${#missing[@]} = 0 ] || printf 'not installed: %s\n' "${missing[@]}" >&2
