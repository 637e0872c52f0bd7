import { setTimeout as sleep } from "node:timers/promises";

import type { Repo } from "../app/repo.ts";
import { AexpError } from "../model/errors.ts";
import { toSafeLine } from "../model/terminal-text.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { WorkerLogs } from "../queue/worker-logs.ts";
import { startAexp } from "../wiring/start-aexp.ts";
import { PACKAGE_ROOT } from "./cli-config.ts";
import { EXIT } from "./exit-codes.ts";

/** A worker that is to work in the background. */
export interface DetachRequest {
  readonly repo: Repo;
  readonly store: Pick<QueueStore, "workers">;
  readonly logs: WorkerLogs;
  readonly workerId: string;
  /** The command line of the worker, after the program. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A worker in the background as `--json` prints it. `ended` is one that found nothing to stay for. */
export interface DetachedWorkerJson {
  readonly worker_id: string;
  readonly machine: string;
  readonly pid: number;
  readonly log: string;
  readonly state: "up" | "ended";
  readonly exit_code?: number;
}

const POLL_MS = 50;
/** Logs of ended workers that are kept. */
const KEPT_LOGS = 20;
const TAIL_BYTES = 4096;

/**
 * Starts a worker in the background and waits until it has reported, or has ended.
 *
 * @throws {AexpError} `worker.start_failed`
 */
export async function detachWorker(request: DetachRequest): Promise<DetachedWorkerJson> {
  const { repo, store, logs, workerId, argv, env } = request;
  logs.create(workerId, { newest: KEPT_LOGS, workerIds: (await store.workers()).map(({ id }) => id) });
  const log = logs.pathOf(workerId);
  const child = await startAexp({ argv, cwd: repo.root, env, logPath: log, packageRoot: PACKAGE_ROOT });
  const about = { worker_id: workerId, machine: repo.machineLabel, pid: child.pid, log };
  const ended = child.ended.then((exitCode) => ({ exitCode }));
  for (;;) {
    const hasReported = (await store.workers()).some(({ id }) => id === workerId);
    // Asked afterwards: a worker that has reported and ended meanwhile is an ended one.
    const end = await Promise.race([ended, sleep(POLL_MS, undefined)]);
    if (end !== undefined) return toEnded(request, about, end.exitCode);
    if (!hasReported) continue;
    child.leave();
    return { ...about, state: "up" };
  }
}

function toEnded(
  request: DetachRequest,
  about: Omit<DetachedWorkerJson, "state">,
  code: number | null,
): DetachedWorkerJson {
  if (code === EXIT.ok || code === EXIT.failed) return { ...about, state: "ended", exit_code: code };
  throw failed(request, code);
}

function failed({ logs, workerId }: DetachRequest, code: number | null): AexpError {
  const lines = logs.tail(workerId, TAIL_BYTES).split("\n");
  const told = lines.findLast((line) => line.startsWith("error: "))?.slice("error: ".length);
  const how = code === null ? "it was killed" : `exit code ${code}`;
  return new AexpError(`the worker could not work: ${toSafeLine(told ?? how)}`, {
    code: "worker.start_failed",
    hint: `\`aexp worker logs ${workerId}\` shows all that it printed.`,
  });
}
