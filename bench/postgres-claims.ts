// How long a claim takes on PostgreSQL with 10,000 queued tasks and 8 processes, whose programs do next to nothing.
// Starts a server of its own: node bench/postgres-claims.ts
import { spawn } from "node:child_process";
import { hash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { openPostgresQueueStore } from "../src/queue/postgres/postgres-queue-store.ts";
import { DEFAULT_RETRY } from "../src/queue/task.ts";
import { parseJobId } from "../src/run/job-id.ts";
import { providePrograms } from "../scripts/postgres-programs.ts";
import { TestServer } from "../test/postgres/test-server.ts";

const TASKS = 10_000;
const PROCESSES = 8;
const CLAIMS = 200;
/** What a program that does next to nothing takes, with all that is done around it. */
const PROGRAM_MS = 20;
const SCHEMA = "aexp_bench";

const [url] = process.argv.slice(2);
if (url === undefined) {
  process.env["AEXP_POSTGRES_BIN"] = providePrograms();
  // Every commit waits for the disk, one after the other: how long that takes is the disk's affair, and not ours.
  for (const flushes of ["on", "off"] as const) await measure(flushes);
} else {
  await claim(url);
}

async function measure(flushes: "on" | "off"): Promise<void> {
  const server = await TestServer.make();
  try {
    await server.start([`fsync=${flushes}`]);
    await fill(server.url);
    const children = Array.from({ length: PROCESSES }, () =>
      spawn(process.execPath, [import.meta.filename, server.url], { stdio: ["ignore", "pipe", "inherit"] }),
    );
    const durations: number[] = [];
    await Promise.all(
      children.map(async (child) => {
        let text = "";
        child.stdout.on("data", (bytes: Buffer) => (text += bytes.toString("utf8")));
        await once(child, "close");
        const own: readonly number[] = JSON.parse(text);
        durations.push(...own);
      }),
    );
    const sorted = durations.toSorted((a, b) => a - b);
    const at = (share: number) => (sorted[Math.floor(share * sorted.length)] ?? 0).toFixed(1);
    process.stdout.write(
      `fsync ${flushes}: ${sorted.length} claims, ${TASKS} queued, ${PROCESSES} processes: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms\n`,
    );
  } finally {
    await server.remove();
  }
}

async function fill(serverUrl: string): Promise<void> {
  await using store = await openPostgresQueueStore(serverUrl, { schema: SCHEMA });
  const tasks = Array.from({ length: TASKS }, (_, index) => ({
    id: parseJobId(hash("md5", `task ${index}`)),
    experimentId: "E001",
    caller: "bench",
    owner: "bench",
    machine: "bench",
    executor: "local" as const,
    spec: {
      command: "true",
      cwd: ".",
      lane: "default",
      kind: "default",
      priority: 0,
      needs: [],
      resources: [],
      retry: DEFAULT_RETRY,
      graceMs: 10_000,
    },
  }));
  await store.submit({ id: "grp_bench", kind: "sweep", name: "bench", caller: "bench" }, tasks);
}

async function claim(serverUrl: string): Promise<void> {
  await using store = await openPostgresQueueStore(serverUrl, { schema: SCHEMA });
  const workerId = `bench-${process.pid}`;
  const durations: number[] = [];
  while (durations.length < CLAIMS) {
    const start = performance.now();
    const claimed = await store.claim({
      workerId,
      owner: "bench",
      machine: "bench",
      executors: ["local"],
      filter: { mode: "any" },
      leaseMs: 60_000,
      token: randomUUID(),
    });
    durations.push(performance.now() - start);
    if (claimed === undefined) throw new Error("the queue is empty");
    await sleep(Math.random() * 2 * PROGRAM_MS);
    const result = { state: "complete", reason: undefined, exitCode: 0 } as const;
    await store.finish(claimed.task.id, claimed.lease.token, result, 0.5);
  }
  process.stdout.write(JSON.stringify(durations));
}
