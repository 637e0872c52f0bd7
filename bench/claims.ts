/** Queues for the measurement of claims, and processes that claim from them. */
import { hash, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import type { QueueStore } from "../src/queue/queue-store.ts";
import { parseJobId } from "../src/run/job-id.ts";
import { spec } from "../test/helpers/tasks.ts";

/** What a program that does next to nothing takes, with all that is done around it. */
const PROGRAM_MS = 20;

/** Queues so many tasks. */
export async function fillQueue(store: QueueStore, count: number): Promise<void> {
  const common = { experimentId: "E001", caller: "bench", owner: "bench", machine: "bench", spec: spec() };
  const tasks = Array.from({ length: count }, (_, index) => ({
    id: parseJobId(hash("md5", `task ${index}`)),
    executor: "local" as const,
    ...common,
  }));
  await store.submit({ id: "grp_bench", kind: "sweep", name: "bench", caller: "bench" }, tasks);
}

/**
 * Claims so many tasks as a worker with short programs does.
 *
 * @returns how long each claim took, in milliseconds
 */
export async function timeClaims(store: QueueStore, count: number): Promise<readonly number[]> {
  const workerId = `bench-${process.pid}`;
  const durations: number[] = [];
  while (durations.length < count) {
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
  return durations;
}
