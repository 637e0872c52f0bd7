import { randomUUID } from "node:crypto";

import { readQueueTiming } from "../app/queue-timing.ts";
import type { ReconcileOptions } from "../app/reconcile-slurm.ts";
import { currentUser } from "../wiring/current-user.ts";
import type { CliIo } from "./io.ts";
import { renderBatchEvent } from "./render/batch-event.ts";
import { newWorkerId } from "./work-session.ts";

/**
 * What somebody who looks after a scheduler's jobs takes from the surroundings. What happens is told on stderr.
 *
 * @throws {AexpError} `cli.usage`
 */
export function toReconcileOptions(role: "agent" | "slurm", { env, stderr }: CliIo): ReconcileOptions {
  const { leaseMs, heartbeatMs } = readQueueTiming(env);
  return {
    workerId: newWorkerId(role),
    owner: currentUser(),
    leaseMs,
    heartbeatMs,
    newToken: randomUUID,
    jitter: Math.random,
    observe: (event) => void stderr.write(`${renderBatchEvent(event)}\n`),
  };
}
