import { systemErrorCode } from "../model/errors.ts";
import type { BatchEvent, BatchTally } from "./batch-events.ts";

/** Tells what happens during a look at the scheduler's jobs, and counts it. */
export class BatchReport {
  readonly #observe: (event: BatchEvent) => void;
  /** The problems of the look before, which are told once. */
  #known: ReadonlySet<string> = new Set();
  #tally = noTally();

  constructor(observe: (event: BatchEvent) => void) {
    this.#observe = observe;
  }

  /** What the present look came to so far. */
  get tally(): BatchTally {
    return this.#tally;
  }

  /** Begins another look. */
  begin(): void {
    this.#known = new Set(this.#tally.problems);
    this.#tally = noTally();
  }

  tell(event: Exclude<BatchEvent, { kind: "problem" }>): void {
    this.#tally[event.kind] += 1;
    this.#observe(event);
  }

  /** Something could not be done now, and is tried again the next time. */
  problem(message: string): void {
    const isNew = !this.#known.has(message) && !this.#tally.problems.includes(message);
    this.#tally.problems.push(message);
    if (isNew) this.#observe({ kind: "problem", message });
  }
}

function noTally() {
  const problems: string[] = [];
  return { submitted: 0, started: 0, cancelled: 0, ended: 0, problems };
}

/** Errors of a scheduler that does not answer, and of a disk or a quota that is full. */
const PASSING = ["slurm.failed", "slurm.missing", "environment.disk_full", "ENOSPC", "EDQUOT"];

/** Whether an error is nothing that a run is to blame for, and may be gone at the next look. */
export function isPassing(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code !== undefined && PASSING.includes(code);
}
