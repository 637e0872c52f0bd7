import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { openPostgresQueueStore } from "../../src/queue/postgres/postgres-queue-store.ts";
import type { QueueStore } from "../../src/queue/queue-store.ts";
import type { NewOutput } from "../../src/queue/run-output.ts";
import { openSqliteQueueStore } from "../../src/queue/sqlite/sqlite-queue-store.ts";
import { isTerminalState, type Task } from "../../src/queue/task.ts";

/** The machine of all who claim. */
export const MACHINE = "laptop";

/** @param location - SCHEMA@URL, or the path of a database */
export async function openNamedStore(location: string): Promise<QueueStore> {
  const [, schema, url] = /^(\w+)@(postgres:.*)$/.exec(location) ?? [];
  if (schema === undefined || url === undefined) return await openSqliteQueueStore(location);
  return await openPostgresQueueStore(url, { schema, patienceMs: 30_000 });
}

/**
 * Claims and ends tasks until all have ended, writing down when each attempt began and was over. Settles what others
 * lost.
 *
 * @param options - `log` is the file that gets a line of JSON for each beginning and end
 * @param work - what is done before each claim, and what a task is said to have written
 */
export async function claimUntilEnded(
  store: QueueStore,
  options: { readonly workerId: string; readonly leaseMs: number; readonly workMs: number; readonly log: string },
  work: { readonly prepare?: () => Promise<void>; readonly outputsOf?: (task: Task) => readonly NewOutput[] } = {},
): Promise<void> {
  const { workerId, leaseMs, workMs, log } = options;
  const note = (event: "begin" | "over", { id, attempt }: Task): void => {
    // The clock of hrtime is one for all processes.
    appendFileSync(log, `${JSON.stringify({ event, id, attempt, at: Number(process.hrtime.bigint()) })}\n`);
  };
  for (;;) {
    await work.prepare?.();
    const claim = await store.claim({
      workerId,
      owner: "ana",
      machine: MACHINE,
      executors: ["local"],
      filter: { mode: "any" },
      leaseMs,
      token: randomUUID(),
    });
    if (claim === undefined) {
      for (const { id, lease } of await store.expired(workerId, 10)) await store.settleLost(id, lease?.token ?? "", 0);
      if ((await store.counts()).every(({ state }) => isTerminalState(state))) return;
      await sleep(1 + Math.random() * 4);
      continue;
    }
    const { task, lease } = claim;
    note("begin", task);
    if (workMs > 0) await sleep(Math.random() * workMs);
    note("over", task);
    const outputs = work.outputsOf?.(task);
    const result = { state: "complete", reason: undefined, exitCode: 0, outputs } as const;
    await store.finish(task.id, lease.token, result, Math.random());
  }
}
