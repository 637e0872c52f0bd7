// How long a claim takes on PostgreSQL with 10,000 queued tasks and 8 processes, whose programs do next to nothing.
// Starts a server of its own: node bench/postgres-claims.ts [--json]
import { spawn } from "node:child_process";
import { once } from "node:events";

import { openPostgresQueueStore } from "../src/queue/postgres/postgres-queue-store.ts";
import type { QueueStore } from "../src/queue/queue-store.ts";
import { providePrograms } from "../scripts/postgres-programs.ts";
import { TestServer } from "../test/postgres/test-server.ts";
import { fillQueue, timeClaims } from "./claims.ts";

const TASKS = 10_000;
const PROCESSES = 8;
const CLAIMS = 200;
const SCHEMA = "aexp_bench";

const [url] = process.argv.slice(2);
if (url === undefined || url === "--json") {
  process.env["AEXP_POSTGRES_BIN"] = providePrograms();
  // How long a flush takes is the disk's affair, and not ours; so it is measured with flushes and without.
  for (const flushes of url === "--json" ? (["on"] as const) : (["on", "off"] as const)) await measure(flushes);
} else {
  await using store = await open(url);
  process.stdout.write(JSON.stringify(await timeClaims(store, CLAIMS)));
}

async function open(serverUrl: string): Promise<QueueStore> {
  return await openPostgresQueueStore(serverUrl, { schema: SCHEMA });
}

async function fill(serverUrl: string): Promise<void> {
  await using store = await open(serverUrl);
  await fillQueue(store, TASKS);
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
    if (url === "--json") {
      process.stdout.write(JSON.stringify({ median: Number(at(0.5)), p95: Number(at(0.95)) }));
      return;
    }
    process.stdout.write(
      `fsync ${flushes}: ${sorted.length} claims, ${TASKS} queued, ${PROCESSES} processes: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms\n`,
    );
  } finally {
    await server.remove();
  }
}
