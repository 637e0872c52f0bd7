// Makes a queue of so many tasks in a new database: node fill-queue.ts DATABASE COUNT
import { hash } from "node:crypto";

import { openSqliteQueueStore } from "../src/queue/sqlite/sqlite-queue-store.ts";
import { DEFAULT_RETRY } from "../src/queue/task.ts";
import { parseJobId } from "../src/run/job-id.ts";

const [database = "", count = "0"] = process.argv.slice(2);
await using store = await openSqliteQueueStore(database);
const tasks = Array.from({ length: Number(count) }, (_, index) => ({
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
