import { setTimeout as sleep } from "node:timers/promises";

import { AexpError } from "../model/errors.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { WorkerLogs } from "../queue/worker-logs.ts";
import type { ProcessRecord } from "../run/document.ts";
import type { Repo } from "./repo.ts";
import { resolveWorker } from "./resolve-worker.ts";
import { lifeOfWorker } from "./worker-life.ts";

/** How often a followed log is looked at. */
const POLL_MS = 200;

/**
 * The worker whose log a user means: one that has reported, or one that has ended and left a log.
 *
 * @throws {AexpError} `worker.not_found`, `worker.ambiguous`, `worker.no_log`
 */
export async function resolveLoggedWorker(
  logs: WorkerLogs,
  store: Pick<QueueStore, "workers"> | undefined,
  text: string,
): Promise<string> {
  const logged = logs.list();
  const reported = ((await store?.workers()) ?? []).map(({ id }) => id);
  const id = resolveWorker(text, [...new Set([...logged, ...reported])]);
  if (logged.includes(id)) return id;
  throw new AexpError(`worker ${id} keeps no log here`, {
    code: "worker.no_log",
    hint: "Only a worker started with --detach on this machine keeps one; others print where they were started.",
  });
}

/** The bytes of a worker's log; followed, they go on until the worker has ended. */
export async function* readWorkerLog(
  repo: Pick<Repo, "machineLabel" | "processes">,
  logs: WorkerLogs,
  workerId: string,
  following: { readonly store: Pick<QueueStore, "workers">; readonly self: ProcessRecord } | undefined,
): AsyncGenerator<Uint8Array> {
  using log = logs.open(workerId);
  if (log === undefined) return;
  for (;;) {
    // Asked before the log is read to its end, so that nothing written before the end is missed.
    const worker = (await following?.store.workers())?.find(({ id }) => id === workerId);
    const isOver =
      following === undefined || worker === undefined || lifeOfWorker(repo, following.self, worker) === "dead";
    for (let bytes = log.next(); bytes !== undefined; bytes = log.next()) yield bytes;
    if (isOver) return;
    await sleep(POLL_MS);
  }
}
