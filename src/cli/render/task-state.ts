import { isTerminalState, type TaskState, toRunStatus } from "../../queue/task.ts";
import type { Style } from "./paint.ts";
import { renderStatus, statusStyle } from "./status.ts";

/** The state of a task with the glyph of its run's status: "◷ blocked", "● running". */
export function renderTaskState(state: TaskState, isStopping: boolean): string {
  const glyph = renderStatus({ status: toRunStatus(state) }, 0).split(" ")[0] ?? "";
  const shown = state === "blocked" ? "◌" : glyph;
  return `${shown} ${state}${isStopping && !isTerminalState(state) ? ", stopping" : ""}`;
}

export function taskStateStyle(state: TaskState): Style | undefined {
  return state === "blocked" ? "dim" : statusStyle({ status: toRunStatus(state) }, 0);
}
