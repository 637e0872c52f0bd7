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
      await lead(kit.fixture, name, from);
      if (await accepts(kit.fixture, name, to, isTerminalState(from))) reached.push(to);
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
      await lead(kit.fixture, "a", state);
      const changing = async (change: string) =>
        await kit.fixture.execute(`UPDATE tasks SET ${change} WHERE id = '${idOf("a")}'`);

      for (const to of TASK_STATES.filter((other) => other !== state))
        await expect(changing(columnsOf(to))).rejects.toThrow(/./);
      await expect(changing("exit_code = 5")).rejects.toThrow(/./);
      await expect(changing("ended_at = ended_at + 1")).rejects.toThrow(/./);
      await expect(changing("life = life + 1")).rejects.toThrow(/./);
      await expect(changing(`life = life + 2, ${columnsOf("queued")}`)).rejects.toThrow(/./);
    },
  );

  it("lets no row begin anywhere but at the beginning, and no task live twice", async () => {
    const kit = new QueueKit(await open());
    await kit.submit({ a: {} });

    const accepted: TaskState[] = [];
    for (const [index, state] of TASK_STATES.entries()) {
      await kit.fixture.execute(copy(state, index)).then(
        () => accepted.push(state),
        () => undefined, // which rule the database named is its own business
      );
    }

    expect(accepted).toEqual(["blocked", "queued", "skipped"]);
    await expect(kit.fixture.execute("UPDATE tasks SET life = life + 1")).rejects.toThrow(/./);
  });
}

async function accepts(fixture: QueueFixture, name: string, to: TaskState, isNewLife: boolean): Promise<boolean> {
  try {
    await write(fixture, name, to, isNewLife);
    return true;
  } catch {
    // Which rule it was that the database named is its own business.
    return false;
  }
}

async function write(fixture: QueueFixture, name: string, to: TaskState, isNewLife: boolean): Promise<void> {
  const life = isNewLife ? ", life = life + 1" : "";
  await fixture.execute(`UPDATE tasks SET ${columnsOf(to)}${life} WHERE id = '${idOf(name)}'`);
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
async function lead(fixture: QueueFixture, name: string, target: TaskState): Promise<void> {
  const paths: (readonly TaskState[])[] = [["queued"]];
  const seen = new Set<TaskState>(["queued"]);
  for (const path of paths) {
    const last = path.at(-1) ?? "queued";
    if (last === target) {
      for (const [index, state] of path.entries()) {
        const before = path[index - 1];
        if (before !== undefined) await write(fixture, name, state, isTerminalState(before));
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

/** Puts a copy of the first task in, as a writer who knows no rules. */
function copy(state: TaskState, index: number): string {
  const isLeased = state === "submitting" || state === "running" || state === "finalizing";
  const [token, worker, expiresAt] = isLeased ? [`'token-${index}'`, "'w'", 1] : ["NULL", "NULL", "NULL"];
  return `INSERT INTO tasks (seq, id, group_id, lane, kind, caller, owner, machine, executor, priority, eff_priority,
         has_resources, spec, state, created_at, ended_at, lease_token, worker_id, lease_expires_at)
       SELECT ${100 + index}, '${idOf(state)}', group_id, lane, kind, caller, owner, machine,
         '${state === "submitted" ? "slurm" : "local"}', 0, 0, 0, spec, '${state}', 1,
         ${isTerminalState(state) ? 5 : "NULL"}, ${token}, ${worker}, ${expiresAt}
       FROM tasks WHERE id = '${idOf("a")}'`;
}
