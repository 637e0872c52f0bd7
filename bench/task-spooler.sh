#!/bin/sh
# Executes so many times `true` with task-spooler: task-spooler.sh FOLDER SLOTS COUNT
set -eu
mkdir -p "$1"
export TMPDIR="$1" TS_SOCKET="$1/socket" TS_MAXFINISHED="$3"
tsp -S "$2"
for _ in $(seq "$3"); do tsp true >/dev/null; done
# Waiting for the last job alone would not do with several slots.
while tsp -l | grep -Eq '^[0-9]+ +(queued|running) '; do tsp -w; done
test "$(tsp -l | grep -c ' finished ')" = "$3"
tsp -K
