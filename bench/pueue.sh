#!/bin/sh
# Executes so many times `true` with pueue: pueue.sh FOLDER SLOTS COUNT
set -eu
mkdir -p "$1"
cat >"$1/pueue.yml" <<YAML
client: {}
daemon: {}
shared:
  pueue_directory: $1/state
  runtime_directory: $1/run
  use_unix_socket: true
YAML
mkdir -p "$1/state" "$1/run"
pueued --config "$1/pueue.yml" >"$1/log" 2>&1 &
until pueue --config "$1/pueue.yml" parallel "$2" >/dev/null 2>&1; do sleep 0.05; done
for _ in $(seq "$3"); do pueue --config "$1/pueue.yml" add -- true >/dev/null; done
pueue --config "$1/pueue.yml" wait --quiet
pueue --config "$1/pueue.yml" shutdown >/dev/null
wait
