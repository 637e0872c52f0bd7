import type { ExecutedRun } from "../../app/finish-attempt.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { renderDuration } from "./time.ts";

/** One line that sums up an execution: what became of it, how long it took, and where it is recorded. */
export function renderExecution(done: ExecutedRun): string {
  const why = done.reason === undefined ? "" : ` (${toSafeLine(done.reason.message)})`;
  const after = done.wallclockS === undefined ? "" : ` after ${renderDuration(done.wallclockS)}`;
  const again = done.attempt > 1 ? `, attempt ${done.attempt}` : "";
  const recovered = done.isRecovered ? ", which had ended before and is now recorded" : "";
  const ledger = done.promotion === "failed" ? "; no ledger entry yet" : "; ledger entry written";
  return `aexp: run ${done.jobId} ${done.status}${why}${after}${again}${recovered}${done.promotion === "none" ? "" : ledger}`;
}
