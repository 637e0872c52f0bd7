// Claims so many tasks as a worker with short programs does, and prints how long each claim took, in milliseconds:
// node claim-tasks.ts DATABASE COUNT
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { openSqliteQueueStore } from "../src/queue/sqlite/sqlite-queue-store.ts";

/** What a program that does next to nothing takes, with all that is done around it. */
const PROGRAM_MS = 20;
/** So many claims are not counted: meanwhile the other processes are still starting. */
const WARM_UP = 20;

const [database = "", count = "0"] = process.argv.slice(2);
await using store = await openSqliteQueueStore(database);
const workerId = `bench-${process.pid}`;
const durations: number[] = [];
while (durations.length < Number(count) + WARM_UP) {
  const start = performance.now();
  const claim = await store.claim({
    workerId,
    owner: "bench",
    machine: "bench",
    executors: ["local"],
    filter: { mode: "any" },
    leaseMs: 60_000,
    token: randomUUID(),
  });
  durations.push(performance.now() - start);
  if (claim === undefined) throw new Error("the queue is empty");
  await sleep(Math.random() * 2 * PROGRAM_MS);
  await store.finish(claim.task.id, claim.lease.token, { state: "complete", reason: undefined, exitCode: 0 }, 0.5);
}
process.stdout.write(JSON.stringify(durations.slice(WARM_UP)));
