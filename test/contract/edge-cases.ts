import { expect, it } from "vitest";

import { isTerminalState, TASK_EDGES, TASK_STATES, type TaskState } from "../../src/queue/task.ts";
import { idOf, type OpenFixture, type QueueFixture, QueueKit } from "./queue-kit.ts";

/** Every pair of states, tried by a writer who knows no rules. */
export function edgeCases(open: OpenFixture): void {
  it.each(TASK_STATES.map((from) => ({ from })))("lets $from only become what its edges say", async ({ from }) => {
    const kit = new QueueKit(await open());
    const reached: TaskState[] = [];

    for (const to of TASK_STATES) {
      if (to === from) continue;
      const name = `${from}-${to}`;
      await kit.submit({ [name]: { needs: [] } });
      lead(kit.fixture, name, from);
      if (accepts(kit.fixture, name, to, isTerminalState(from))) reached.push(to);
    }

    // An ended task may also be submitted once more.
    const expected = isTerminalState(from) ? ["created", ...TASK_EDGES[from]] : TASK_EDGES[from];
    expect(reached.toSorted(compareTexts)).toEqual(expected.toSorted(compareTexts));
  });

  it.each(TASK_STATES.filter(isTerminalState).map((state) => ({ state })))(
    "lets nothing about a task that is $state change",
    async ({ state }) => {
      const kit = new QueueKit(await open());
      await kit.submit({ a: {} });
      lead(kit.fixture, "a", state);
      const changing = (change: string) => () =>
        kit.fixture.execute(`UPDATE tasks SET ${change} WHERE id = '${idOf("a")}'`);

      for (const to of TASK_STATES.filter((other) => other !== state)) expect(changing(columnsOf(to))).toThrow(/./);
      expect(changing("exit_code = 5")).toThrow(/./);
      expect(changing("ended_at = ended_at + 1")).toThrow(/./);
      expect(changing("life = life + 1")).toThrow(/./);
      expect(changing(`life = life + 2, ${columnsOf("queued")}`)).toThrow(/./);
    },
  );

  it("lets no row begin anywhere but at the beginning, and no task live twice", async () => {
    const kit = new QueueKit(await open());
    await kit.submit({ a: {} });

    expect(() => kit.fixture.execute(copy("queued"))).toThrow(/./);
    kit.fixture.execute(copy("created"));
    expect(() => kit.fixture.execute("UPDATE tasks SET life = life + 1")).toThrow(/./);
  });
}

function accepts(fixture: QueueFixture, name: string, to: TaskState, isNewLife: boolean): boolean {
  try {
    write(fixture, name, to, isNewLife);
    return true;
  } catch {
    // Which rule it was that the database named is its own business.
    return false;
  }
}

function write(fixture: QueueFixture, name: string, to: TaskState, isNewLife: boolean): void {
  const life = isNewLife ? ", life = life + 1" : "";
  fixture.execute(`UPDATE tasks SET ${columnsOf(to)}${life} WHERE id = '${idOf(name)}'`);
}

/** What has to stand beside a state, so that only the edge itself is judged. */
function columnsOf(state: TaskState): string {
  const isLeased = state === "submitting" || state === "running" || state === "finalizing";
  const lease = isLeased
    ? "lease_token = 'token-' || id, worker_id = 'w', lease_expires_at = 1"
    : "lease_token = NULL, worker_id = NULL, lease_expires_at = NULL";
  const executor = state === "submitted" ? ", executor = 'slurm'" : "";
  return `state = '${state}', ${lease}, ended_at = ${isTerminalState(state) ? 5 : "NULL"}${executor}`;
}

/** Leads a queued task to a state along legal edges. */
function lead(fixture: QueueFixture, name: string, target: TaskState): void {
  const paths: (readonly TaskState[])[] = [["queued"]];
  const seen = new Set<TaskState>(["queued"]);
  for (const path of paths) {
    const last = path.at(-1) ?? "queued";
    if (last === target) {
      for (const [index, state] of path.entries()) {
        const before = path[index - 1];
        if (before !== undefined) write(fixture, name, state, isTerminalState(before));
      }
      return;
    }
    for (const next of [...TASK_EDGES[last], ...(isTerminalState(last) ? (["created"] as const) : [])]) {
      if (seen.has(next)) continue;
      seen.add(next);
      paths.push([...path, next]);
    }
  }
  throw new Error(`no way leads to ${target}`);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Puts a copy of the only task in, as a writer who knows no rules. */
function copy(state: string): string {
  return `INSERT INTO tasks (seq, id, group_id, lane, kind, caller, owner, machine, executor, priority, eff_priority,
         has_resources, spec, state, created_at)
       SELECT 99, '${idOf("b")}', group_id, lane, kind, caller, owner, machine, executor, 0, 0, 0, spec, '${state}', 1
       FROM tasks`;
}
