/** Every status of a run. The last four are terminal. */
export const RUN_STATUSES = ["created", "queued", "running", "complete", "failed", "stopped", "abandoned"] as const;

export type RunStatus = (typeof RUN_STATUSES)[number];
export type TerminalStatus = "complete" | "failed" | "stopped" | "abandoned";

/** Why a status was reached. */
export const REASON_CODES = [
  "exit_nonzero",
  "signal",
  "timeout",
  "oom",
  "spawn_error",
  "operator_stop",
  "removed",
  "needs_failed",
  "lost",
  "scheduler_unknown",
  "disk_full",
  "cache_hit",
  "interrupted",
  "input_missing",
  "input_changed",
  "output_missing",
  "output_invalid",
] as const;

export type ReasonCode = (typeof REASON_CODES)[number];

export function isRunStatus(text: string): text is RunStatus {
  return RUN_STATUSES.some((status) => status === text);
}

export function isTerminal(status: RunStatus): status is TerminalStatus {
  return status === "complete" || status === "failed" || status === "stopped" || status === "abandoned";
}

/**
 * The legal next statuses. A terminal run starts again only as a new attempt (`running`, or `queued` for a retry);
 * an operator may close or reopen what never ran.
 */
const EDGES: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  created: ["queued", "running", "complete", "failed", "stopped", "abandoned"],
  queued: ["created", "running", "complete", "failed", "stopped", "abandoned"],
  running: ["queued", "complete", "failed", "stopped", "abandoned"],
  complete: ["queued", "running"],
  failed: ["queued", "running", "abandoned"],
  stopped: ["queued", "running", "abandoned"],
  abandoned: ["queued", "running"],
};

/** Whether a run may go from one status to another. Staying where it is, is never a transition. */
export function isLegalTransition(from: RunStatus, to: RunStatus): boolean {
  return EDGES[from].includes(to);
}

/** The statuses that a run may get next. */
export function nextStatuses(from: RunStatus): readonly RunStatus[] {
  return EDGES[from];
}
