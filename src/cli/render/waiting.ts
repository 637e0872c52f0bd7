import { toInstant } from "../../model/clock.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { type TaskState, toRunStatus } from "../../queue/task.ts";
import type { Waiting } from "../../queue/waiting.ts";
import { cutText } from "./text-width.ts";
import { renderInstant } from "./time.ts";

/** What times are told relative to; ISO where nobody watches. */
export interface TimeContext {
  readonly nowMs: number;
  readonly isTTY: boolean;
}

/** Keys of locks are often paths. */
const MAX_KEY_WIDTH = 24;

/** What a run waits for, in a few words for a table: "a1b2c3d4 +2", "lane gpu (2 of 2)". */
export function renderWaiting(waiting: Waiting | undefined, context: TimeContext): string {
  switch (waiting?.kind) {
    case undefined:
    case "turn":
      return "";
    case "needs": {
      const [first] = waiting.needs;
      const rest = waiting.needs.length - 1;
      return first === undefined ? "its needs" : `${first.run.slice(0, 8)}${rest > 0 ? ` +${rest}` : ""}`;
    }
    case "same_work":
      return `${waiting.leader.slice(0, 8)} (same work)`;
    case "lookup":
      return "a look for its result";
    case "time":
      return `${waiting.failures > 0 ? "retry " : ""}${renderTime(waiting.until, context)}`;
    case "lane_paused":
      return `lane ${waiting.lane} (paused)`;
    case "lane_closed":
      return `lane ${waiting.lane} (no slots)`;
    case "lane_full":
      return `lane ${waiting.lane} (${waiting.active} of ${waiting.max})`;
    case "caller_full":
      return `lane ${waiting.lane} (${waiting.active} of ${waiting.max} of ${waiting.caller})`;
    case "lock":
      return `lock ${cutText(toSafeLine(waiting.lock.key), MAX_KEY_WIDTH)}`;
    case "held_back":
      return "disk space";
    case "commit":
      return `commit ${toSafeLine(waiting.commit.slice(0, 7))}`;
    case "worker":
      return waiting.target === undefined ? "a worker" : `a worker on ${waiting.target}`;
    case "agent":
      return "an agent";
  }
}

/** What a run waits for, in one sentence that says what one can do. */
export function explainWaiting(waiting: Waiting, context: TimeContext): string {
  switch (waiting.kind) {
    case "turn":
      return "nothing stands in its way: it starts as soon as a worker has a free slot";
    case "needs":
      return `it waits for ${listNeeds(waiting.needs)}`;
    case "same_work":
      return `it waits for ${waiting.leader.slice(0, 8)}, which computes the same`;
    case "lookup":
      return `it waits until a worker on ${toSafeLine(waiting.machine)} has looked for its result`;
    case "time":
      return waiting.failures > 0
        ? `it failed ${waiting.failures === 1 ? "once" : `${waiting.failures} times`} and is tried again ${renderTime(waiting.until, context)}`
        : `it may start ${renderTime(waiting.until, context)}`;
    case "lane_paused":
      return `its lane ${waiting.lane} is paused; \`aexp queue resume ${waiting.lane}\` lets it go on`;
    case "lane_closed":
      return `its lane ${waiting.lane} lets nothing run; \`aexp lane set ${waiting.lane} --max-running 1\` changes that`;
    case "lane_full":
      return `its lane ${waiting.lane} is full: ${waiting.active} of ${waiting.max} runs are active`;
    case "caller_full":
      return `${waiting.caller} has ${waiting.active} of ${waiting.max} runs active in lane ${waiting.lane}, and may have no more`;
    case "lock": {
      const { key, note, acquiredAt } = waiting.lock;
      const since = renderInstant(toInstant(acquiredAt), context);
      return `it waits for the lock on ${toSafeLine(key)}, which ${toSafeLine(note)} took ${context.isTTY ? since : `at ${since}`}`;
    }
    case "held_back":
      return toSafeLine(waiting.message);
    case "commit": {
      const { commit, machine, target } = waiting;
      const own = target === undefined ? `, or for a worker on ${toSafeLine(machine)}` : "";
      const place = target === undefined ? "a machine that has" : `${toSafeLine(target)} to have`;
      const what = `commit ${toSafeLine(commit.slice(0, 7))} and no changes`;
      return `it waits for ${place} ${what} (or a worker with --checkout)${own}`;
    }
    case "worker": {
      const place = waiting.target === undefined ? "" : ` on ${waiting.target}`;
      const kind = waiting.kindOfRun === "default" ? "" : ` for runs of kind ${waiting.kindOfRun}`;
      return `no worker is there${place}${kind}; \`aexp worker start\` starts one`;
    }
    case "agent":
      return "nobody submits it to SLURM; `aexp agent start` does, or `aexp slurm reconcile` once";
  }
}

/** "in 12 s" on a terminal, "at 2026-…" elsewhere. */
function renderTime(ms: number, context: TimeContext): string {
  const text = renderInstant(toInstant(ms), context);
  return context.isTTY ? text : `at ${text}`;
}

function listNeeds(needs: Extract<Waiting, { kind: "needs" }>["needs"]): string {
  const shown = needs.slice(0, 3).map(({ run, state }) => `${run.slice(0, 8)} (${wordOf(state)})`);
  const rest = needs.length - shown.length;
  if (needs.length === 0) return "what it needs";
  if (rest > 0) return `${shown.join(", ")} and ${rest} more`;
  return shown.length === 1 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1) ?? ""}`;
}

function wordOf(state: TaskState | undefined): string {
  return state === undefined ? "unknown" : state === "blocked" ? "waiting" : toRunStatus(state);
}

/** What a run waits for, as `--json` prints it. */
export function toWaitingJson(waiting: Waiting | undefined): Record<string, unknown> | undefined {
  switch (waiting?.kind) {
    case undefined:
      return undefined;
    case "needs":
      return { kind: "needs", runs: waiting.needs.map(({ run }) => run) };
    case "same_work":
      return { kind: "same_work", run: waiting.leader };
    case "time":
      return { kind: "time", until: toInstant(waiting.until), failures: waiting.failures };
    case "lock": {
      const { key, note, acquiredAt } = waiting.lock;
      return { kind: "lock", key, holder: note, since: toInstant(acquiredAt) };
    }
    case "worker":
      return { kind: "worker", kind_of_run: waiting.kindOfRun, machine: waiting.target ?? null };
    case "commit":
      return { kind: "commit", commit: waiting.commit, machine: waiting.target ?? null };
    case "lane_paused":
    case "lane_closed":
    case "lane_full":
    case "caller_full":
    case "held_back":
    case "agent":
    case "lookup":
    case "turn":
      return { ...waiting };
  }
}
