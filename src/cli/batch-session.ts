import { randomUUID } from "node:crypto";

import type { BatchEvent } from "../app/batch-events.ts";
import { readQueueTiming } from "../app/queue-timing.ts";
import type { ReconcileOptions } from "../app/reconcile-slurm.ts";
import { currentUser } from "../wiring/current-user.ts";

/** What somebody who looks after a scheduler's jobs takes from the surroundings. @throws {AexpError} `cli.usage` */
export function toReconcileOptions(
  workerId: string,
  env: Readonly<Record<string, string | undefined>>,
  observe: (event: BatchEvent) => void,
): ReconcileOptions {
  const { leaseMs, heartbeatMs } = readQueueTiming(env);
  return {
    workerId,
    owner: currentUser(),
    leaseMs,
    heartbeatMs,
    newToken: randomUUID,
    jitter: Math.random,
    observe,
  };
}
