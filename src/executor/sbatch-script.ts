import { quoteForShell } from "../queue/shell-quote.ts";
import type { JobId } from "../run/job-id.ts";

/** What the script of a job needs to know. */
export interface ScriptSpec {
  readonly jobId: JobId;
  readonly attempt: number;
  /** Absolute path of the attempt's folder. */
  readonly folder: string;
  /** Program and arguments that carry out the attempt in a folder; the folder comes behind them. */
  readonly carrier: readonly [program: string, ...args: string[]];
}

/** By which name the scheduler knows the job of an attempt, and we find it again. */
export function toJobName(jobId: JobId, attempt: number): string {
  return `aexp-${jobId}-${attempt}`;
}

/** By which name the scheduler knows jobs that are submitted together. @param token - never used before */
export function toArrayName(token: string): string {
  return `aexp-array-${token.replaceAll("-", "").slice(0, 16)}`;
}

/** A job that cannot even begin ends with this. */
export const CANNOT_BEGIN = 72;

/**
 * The script of a job. The attempt is carried out by aexp itself, which needs nothing but the attempt's folder; the
 * shell around it stays behind to see that nothing is left running when aexp was killed.
 */
export function renderSbatchScript({ jobId, attempt, folder, carrier }: ScriptSpec): string {
  const [program, ...args] = carrier;
  const carry = ['"$program"', ...args.map(quoteForShell), '"$folder"'].join(" ");
  return `#!/bin/sh
# Attempt ${attempt} of run ${jobId}, written by aexp. Submitted once more it executes nothing.
folder=${quoteForShell(folder)}
program=${quoteForShell(program)}
fail() {
  echo "aexp: on $(uname -n), $1" >&2
  exit ${CANNOT_BEGIN}
}
[ -f "$folder/batch.json" ] || fail "there is no $folder: the run store must be on a file system that all nodes share"
[ -x "$program" ] || fail "there is no program $program: install Node.js where all nodes see it"
child=
trap '[ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM
carry_out() {
  ${carry} </dev/null &
  child=$!
  wait "$child"
  code=$?
  # A signal ends the waiting, but not the child.
  while kill -0 "$child" 2>/dev/null; do
    wait "$child"
    code=$?
  done
}
carry_out
# It may have been killed: then what it left is ended, and its end put on record. Nothing is executed again.
[ "$code" -le 128 ] || carry_out
exit "$code"
`;
}

/**
 * The script of jobs that are submitted together. Which run an element executes is written down in the array's folder
 * and nowhere computed: there, each element has a link to the folder of its attempt.
 */
export function renderArrayScript(folder: string): string {
  return `#!/bin/sh
# Jobs that aexp submitted together. Each executes the attempt that the link of its number leads to.
job=${quoteForShell(folder)}/$SLURM_ARRAY_TASK_ID/job.sh
if [ ! -f "$job" ]; then
  echo "aexp: on $(uname -n), there is no $job: the run store must be on a file system that all nodes share" >&2
  exit ${CANNOT_BEGIN}
fi
exec /bin/sh "$job"
`;
}
