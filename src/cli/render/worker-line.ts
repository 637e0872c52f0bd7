import type { WorkEvent } from "../../app/work-events.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import type { Screen } from "../screen.ts";
import { paint, type Style } from "./paint.ts";
import { renderTaskState, taskStateStyle } from "./task-state.ts";
import { cutText, padText } from "./text-width.ts";
import { renderDuration } from "./time.ts";
import { renderWorkEvent } from "./work-event.ts";

/** What is known of an attempt beside its event. */
export interface AttemptWords {
  /** The parameters that tell the run from others. */
  readonly label: string;
  readonly metric: string;
}

/** The end of an attempt in one line that is not wider than the screen. */
export function renderEndedLine(
  event: Extract<WorkEvent, { kind: "ended" }>,
  { label, metric }: AttemptWords,
  screen: Screen,
): string {
  const { task } = event.attempt;
  const { state, style } = stateOf(event);
  const facts = [
    task.id.slice(0, 8),
    toSafeLine(task.spec.name ?? task.experimentId ?? ""),
    toSafeLine(label),
    renderDuration(event.wallclockS),
    ...(task.attempt > 1 ? [`attempt ${task.attempt}`] : []),
    ...(event.reason === undefined || event.isReleased ? [toSafeLine(metric)] : [toSafeLine(event.reason.message)]),
  ];
  const shown = padText(state, STATE_WIDTH);
  const rest = facts.filter((fact) => fact !== "").join("  ");
  return `${paint(style, shown, screen.color)}  ${cutText(rest, screen.width - 1 - STATE_WIDTH - 2)}`;
}

/** As wide as the longest word. */
const STATE_WIDTH = "◷ given back".length;

function stateOf({ state, isReleased }: Extract<WorkEvent, { kind: "ended" }>): {
  readonly state: string;
  readonly style: Style | undefined;
} {
  if (state !== "queued") return { state: renderTaskState(state, false), style: taskStateStyle(state) };
  return { state: `◷ ${isReleased ? "given back" : "repeated"}`, style: "yellow" };
}

/** Anything else that a worker tells, in one line. */
export function renderEventLine(event: WorkEvent, screen: Screen): string {
  return paint("yellow", cutText(renderWorkEvent(event), screen.width - 1), screen.color);
}
