import type { TaskDetails } from "../../app/show-task.ts";
import { toInstant } from "../../model/clock.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import type { Attempt } from "../../queue/queue-store.ts";
import { stopPending } from "../../queue/waiting.ts";
import type { Screen } from "../screen.ts";
import { paint } from "./paint.ts";
import { type Column, renderTable } from "./table.ts";
import { renderTaskState, taskStateStyle } from "./task-state.ts";
import { padText } from "./text-width.ts";
import { renderDuration, renderInstant } from "./time.ts";
import { explainWaiting } from "./waiting.ts";

/** Everything that the queue knows of one run; what is not there is left out. */
export function renderTaskDetails(details: TaskDetails, screen: Screen): string {
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ["", headLines(details, screen)],
    ["Needs", needLines(details)],
    ["Needed by", details.dependents.slice(0, 20).map((id) => id.slice(0, 8))],
    ["Resources", resourceLines(details, screen)],
    ["Attempts", attemptLines(details, screen)],
  ];
  return sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) =>
      title === ""
        ? lines.join("\n")
        : [paint("bold", title, screen.color), ...lines.map((line) => `  ${line}`)].join("\n"),
    )
    .join("\n\n");
}

function headLines(details: TaskDetails, screen: Screen): readonly string[] {
  const { task, waiting, group } = details;
  const { spec, reason } = task;
  const time = (ms: number | undefined) => (ms === undefined ? undefined : renderInstant(toInstant(ms), screen));
  const state = renderTaskState(task.state, stopPending(task) !== undefined);
  const why = waiting === undefined ? reason?.message : explainWaiting(waiting, screen);
  const lastError = waiting !== undefined && task.attempt > 0 ? reason?.message : undefined;
  const { maxAttempts, on } = spec.retry;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["last error", lastError],
    ["experiment", task.experimentId],
    ["name", spec.name],
    ["tag", spec.tag],
    ["group", group === undefined ? task.groupId : `${group.id} (${group.kind} ${group.name}, ${group.state})`],
    ["lane", spec.lane],
    ["kind", spec.kind === "default" ? undefined : spec.kind],
    ["priority", renderPriority(spec.priority, task.effectivePriority)],
    ["command", typeof spec.command === "string" ? spec.command : spec.command.join(" ")],
    ["in", spec.cwd === "." || spec.cwd === "" ? undefined : spec.cwd],
    ["timeout", spec.timeoutMs === undefined ? undefined : renderDuration(spec.timeoutMs / 1000)],
    [
      "retries",
      maxAttempts > 1 ? `${task.failures} failures of ${maxAttempts} attempts; on ${on.join(", ")}` : undefined,
    ],
    ["queued by", `${task.caller} on ${task.machine}`],
    ["only on", task.target],
    ["worker", task.lease?.workerId],
    ["created", time(task.createdAt)],
    ["started", time(task.startedAt)],
    ["ended", time(task.endedAt)],
  ];
  return [
    `${paint("bold", "run", screen.color)} ${paint("yellow", task.id, screen.color)}`,
    `${paint(taskStateStyle(task.state), state, screen.color)}${why === undefined ? "" : `: ${toSafeLine(why)}`}`,
    ...facts.flatMap(([name, value]) =>
      value === undefined || value === "" ? [] : [`  ${padText(name, 10)}  ${toSafeLine(value)}`],
    ),
  ];
}

function renderPriority(own: number, effective: number): string | undefined {
  if (own === effective) return own === 0 ? undefined : String(own);
  return `${own}, by waiting ${effective}`;
}

function needLines({ needs }: TaskDetails): readonly string[] {
  return needs.map(({ run, condition, state }) => {
    const wanted = condition === "ended" ? ", any end will do" : "";
    return `${run.slice(0, 8)}  ${renderTaskState(state, false)}${wanted}`;
  });
}

function resourceLines({ task, locks }: TaskDetails, screen: Screen): readonly string[] {
  return task.spec.resources.map((key) => {
    const lock = locks.find((held) => held.key === key);
    if (lock === undefined) return `${toSafeLine(key)}  free`;
    const holder = lock.runId === task.id ? "held by this run" : `held by ${toSafeLine(lock.note)}`;
    return `${toSafeLine(key)}  ${holder} since ${renderInstant(toInstant(lock.acquiredAt), screen)}`;
  });
}

const SCHEDULER_JOB: Column<Attempt> = { name: "job", value: ({ schedulerJobId }) => schedulerJobId ?? "" };

function attemptLines({ attempts }: TaskDetails, screen: Screen): readonly string[] {
  if (attempts.length === 0) return [];
  const columns: readonly Column<Attempt>[] = [
    { name: "n", align: "right", value: ({ n }) => String(n) },
    { name: "outcome", value: ({ outcome }) => outcome ?? "under way" },
    { name: "started", value: ({ startedAt }) => renderInstant(toInstant(startedAt), screen) },
    {
      name: "duration",
      align: "right",
      value: ({ startedAt, endedAt }) => (endedAt === undefined ? "" : renderDuration((endedAt - startedAt) / 1000)),
    },
    { name: "machine", value: ({ machine }) => machine },
    ...(attempts.some(({ schedulerJobId }) => schedulerJobId !== undefined) ? [SCHEDULER_JOB] : []),
    { name: "reason", value: ({ reason, isCounted }) => reason?.message ?? (isCounted ? "" : "not counted") },
  ];
  return renderTable(columns, attempts, { width: screen.width - 2, color: screen.color }).split("\n");
}
