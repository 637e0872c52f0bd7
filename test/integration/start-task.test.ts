import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

import { CodeWatch } from "../../src/app/code-watch.ts";
import { startTask } from "../../src/app/execute-task.ts";
import type { QueueStore } from "../../src/queue/queue-store.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { currentUser } from "../../src/wiring/current-user.ts";
import { makeQueueProject } from "../helpers/queue-project.ts";

const LEASE_MS = 60_000;
const BY_USER = { code: "operator_stop", message: "stopped by ana" } as const;

const MEANWHILE = {
  "was taken over": (store: QueueStore, id: JobId) =>
    store.adopt(id, "token-1", { workerId: "worker-2", token: "token-2", leaseMs: LEASE_MS }),
  "is to stop": (store: QueueStore, id: JobId) => store.requestStop([id], "graceful", BY_USER),
};

it.each(Object.entries(MEANWHILE))("begins no command of an attempt that %s since its claim", async (_, happens) => {
  const { repo, ports, add } = await makeQueueProject();
  const [id] = await add("--command", 'echo > "$AEXP_JOB_WORKSPACE/begun"');
  const claim = await ports.store.claim({
    workerId: "worker-1",
    owner: currentUser(),
    machine: repo.machineLabel,
    executors: ["local"],
    filter: { mode: "any" },
    leaseMs: LEASE_MS,
    token: "token-1",
  });
  if (id === undefined || claim === undefined) throw new Error("nothing was there to claim");
  await happens(ports.store, id);

  const started = await startTask(repo, ports, claim, {
    code: new CodeWatch(repo),
    env: process.env,
    heartbeatMs: LEASE_MS,
  });

  expect(started).toEqual({ state: "stopped", reason: undefined });
  expect(existsSync(join(repo.runs.workspaceOf(id), "begun"))).toBe(false);
  expect(ports.supervisor.hasBegun(id, 1)).toBe(false);
});
