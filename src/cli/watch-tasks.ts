import type { TaskList } from "../app/list-tasks.ts";
import { pause } from "../app/pause.ts";
import { toInstant } from "../model/clock.ts";
import { toSafeLine } from "../model/terminal-text.ts";
import type { Output } from "./io.ts";
import { renderTaskList, type RunSource, type TaskListRequest } from "./print-task-list.ts";
import { explainWaiting } from "./render/waiting.ts";
import type { Screen } from "./screen.ts";

/** What is watched, and where it is shown. */
export interface TaskWatch {
  readonly read: () => Promise<TaskList>;
  readonly request: TaskListRequest;
  /** The terminal may change its width. */
  readonly screen: () => Screen;
  readonly output: Output;
  readonly signal: AbortSignal;
}

const REDRAW_MS = 1000;
const CLEAR = "\u001b[2J";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/** Shows the queue again and again until the signal: a screen on a terminal, else a line for each change. */
export async function watchTasks(repo: RunSource, watch: TaskWatch): Promise<void> {
  const { output, signal, request } = watch;
  const isScreen = output.isTTY === true;
  const states = new Map<string, string>();
  if (isScreen) output.write(CLEAR);
  while (!signal.aborted) {
    const list = await watch.read();
    if (isScreen) {
      const text = renderTaskList(repo, list, { ...request, screen: watch.screen() });
      output.write(`${HOME}${text.replaceAll("\n", `${CLEAR_LINE}\n`)}${CLEAR_LINE}\n${CLEAR_BELOW}`);
    } else {
      for (const line of changes(list, states)) output.write(`${line}\n`);
    }
    await pause(REDRAW_MS, signal);
  }
}

/** A line for each task that is in another state than when it was seen last; `states` keeps what was seen. */
function* changes({ rows, nowMs }: TaskList, states: Map<string, string>): Generator<string> {
  for (const { task, waiting } of rows) {
    const { id, state, attempt, reason, spec, experimentId } = task;
    const seen = `${state} ${attempt}`;
    if (states.get(id) === seen) continue;
    states.set(id, seen);
    const name = spec.name ?? experimentId;
    const why =
      waiting !== undefined && waiting.kind !== "turn"
        ? explainWaiting(waiting, { nowMs, isTTY: false })
        : reason?.message;
    yield [
      toInstant(nowMs),
      id.slice(0, 8),
      ...(name === undefined ? [] : [toSafeLine(name)]),
      state,
      ...(attempt > 1 ? [`(attempt ${attempt})`] : []),
      ...(why === undefined ? [] : [`- ${toSafeLine(why)}`]),
    ].join(" ");
  }
}
