import type { ErrorCode } from "../model/errors.ts";

/** What the process says to its caller when it ends. */
export const EXIT = {
  ok: 0,
  /** What was asked about failed: validation errors, a failed run. */
  failed: 1,
  /** Wrong usage or environment: bad flag, no repository, unknown id. */
  usage: 2,
  /** Some of many failed; each was named. */
  partial: 3,
  /** A bug in aexp. */
  bug: 70,
  /** Locked or busy: try again. */
  busy: 75,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const EXIT_OF_ERROR: Partial<Readonly<Record<ErrorCode, ExitCode>>> = {
  "alias.conflict": EXIT.busy,
  "lock.busy": EXIT.busy,
  "lock.lost": EXIT.busy,
  "note.locked": EXIT.busy,
  "queue.busy": EXIT.busy,
  "queue.waits": EXIT.busy,
  "promote.partly_failed": EXIT.partial,
  "run.busy": EXIT.busy,
  "run.locked": EXIT.busy,
  "sync.busy": EXIT.busy,
  "sync.push_rejected": EXIT.busy,
  "sync.conflict": EXIT.failed,
};

/** The exit code of an expected failure: usage or environment, unless the table says otherwise. */
export function exitCodeOf(code: ErrorCode): ExitCode {
  return EXIT_OF_ERROR[code] ?? EXIT.usage;
}
