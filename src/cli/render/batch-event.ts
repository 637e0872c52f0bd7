import type { BatchEvent, BatchTally } from "../../app/batch-events.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { isTerminalState, toRunStatus } from "../../queue/task.ts";

/** One plain line for what somebody tells who looks after a scheduler's jobs. */
export function renderBatchEvent(event: BatchEvent): string {
  switch (event.kind) {
    case "submitted":
      return `${nameOf(event)} ${event.isFound ? "was submitted before" : "submitted"} as job ${event.schedulerJobId}`;
    case "started":
      return `${nameOf(event)} started as job ${event.schedulerJobId}`;
    case "cancelled":
      return `${nameOf(event)} is told to stop: job ${event.schedulerJobId} is cancelled`;
    case "ended": {
      const why = event.reason === undefined ? "" : `: ${toSafeLine(event.reason.message)}`;
      const isOver = isTerminalState(event.state);
      return `${nameOf(event)} ${isOver ? toRunStatus(event.state) : "failed"}${why}${isOver ? "" : "; it will be repeated"}`;
    }
    case "problem":
      return `warning: ${toSafeLine(event.message)}`;
  }
}

function nameOf({ jobId }: { readonly jobId: string }): string {
  return jobId.slice(0, 8);
}

/** One look at the scheduler's jobs as `--json` prints it. */
export interface BatchTallyJson extends Omit<BatchTally, "problems"> {
  readonly problems: readonly string[];
}

/** What a look came to, in one line. */
export function renderTally({ submitted, started, ended, cancelled, problems }: BatchTally): string {
  const parts = [
    ...(submitted > 0 ? [`${submitted} submitted`] : []),
    ...(started > 0 ? [`${started} started`] : []),
    ...(ended > 0 ? [`${ended} ended`] : []),
    ...(cancelled > 0 ? [`${cancelled} cancelled`] : []),
    ...(problems.length > 0 ? [`${problems.length} problems`] : []),
  ];
  return parts.length === 0 ? "nothing has changed" : parts.join(", ");
}
