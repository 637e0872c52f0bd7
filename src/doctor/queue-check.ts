import type { Lane } from "../queue/lane.ts";
import { PENDING_STATES, type TaskState } from "../queue/task.ts";
import type { Check } from "./checks.ts";

/** What the check of the queue looks at. */
export interface QueueFacts {
  readonly lanes: readonly Pick<Lane, "name" | "isPaused" | "maxRunning">[];
  readonly counts: readonly { readonly lane: string; readonly state: TaskState; readonly count: number }[];
  readonly outbox: { readonly pending: number; readonly dead: number };
}

const NAME = "queue";

/** A line for each thing that keeps runs from starting or their outcome from being told; one line when all is well. */
export function checkQueue({ lanes, counts, outbox }: QueueFacts): readonly Check[] {
  const waitingIn = (name: string): number =>
    counts.reduce(
      (sum, { lane, state, count }) =>
        lane === name && PENDING_STATES.some((pending) => pending === state) ? sum + count : sum,
      0,
    );
  const problems = [...checkOutbox(outbox), ...lanes.flatMap((lane) => checkLane(lane, waitingIn(lane.name)))];
  if (problems.length > 0) return problems;
  const waiting = lanes.reduce((sum, { name }) => sum + waitingIn(name), 0);
  return [{ name: NAME, state: "ok", message: waiting === 0 ? "nothing waits" : `${runs(waiting)} waiting` }];
}

function checkOutbox({ dead }: QueueFacts["outbox"]): readonly Check[] {
  if (dead === 0) return [];
  const message =
    dead === 1
      ? "a change could not be delivered to a document, the ledger or a hook, and was given up"
      : `${dead} changes could not be delivered to documents, the ledger or hooks, and were given up`;
  return [
    {
      name: NAME,
      state: "bad",
      message,
      hint: "Look at disk space, permissions and hooks; `aexp queue list --all` still knows how those runs ended.",
    },
  ];
}

function checkLane({ name, isPaused, maxRunning }: QueueFacts["lanes"][number], waiting: number): readonly Check[] {
  if (waiting === 0) return [];
  const lane = JSON.stringify(name);
  if (maxRunning === 0) {
    return [
      {
        name: NAME,
        state: "warning",
        message: `lane ${lane} lets nothing run (max_running is 0), and ${runs(waiting)} waiting in it`,
        hint: `Give it slots with \`aexp lane set ${name} --max-running 1\`.`,
      },
    ];
  }
  return isPaused
    ? [
        {
          name: NAME,
          state: "warning",
          message: `lane ${lane} is paused, and ${runs(waiting)} waiting in it`,
          hint: `Let it go on with \`aexp queue resume ${name}\`.`,
        },
      ]
    : [];
}

function runs(count: number): string {
  return count === 1 ? "1 run is" : `${count} runs are`;
}
