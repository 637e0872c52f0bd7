import { randomUUID } from "node:crypto";

import { type Delivery, deliverOutbox } from "./deliver-outbox.ts";
import type { WorkPorts } from "./execute-task.ts";
import { rebuildQueue, type RebuildOutcome } from "./rebuild-queue.ts";
import { type RecoveredAttempt, recoverAttempts } from "./recover-attempts.ts";
import type { Repo } from "./repo.ts";

/** How much is recovered. */
export interface RecoverQueueOptions {
  /** Queues runs again from their documents, for a database that was lost. */
  readonly isRebuilt: boolean;
  /** Takes attempts of other machines for dead, because the user says so. */
  readonly isForeignDead: boolean;
}

/** What was recovered. */
export interface QueueRecovery {
  readonly attempts: readonly RecoveredAttempt[];
  readonly rebuilt: RebuildOutcome | undefined;
  readonly outbox: Delivery;
}

/**
 * What a worker does at its start, by hand: settles attempts of dead workers, and delivers what was left to be done; here
 * also what was given up after many tries.
 */
export async function recoverQueue(repo: Repo, ports: WorkPorts, options: RecoverQueueOptions): Promise<QueueRecovery> {
  const rebuilt = options.isRebuilt ? await rebuildQueue(repo, ports.store, ports.executor) : undefined;
  const attempts = await recoverAttempts(repo, ports, {
    workerId: `recover-${randomUUID()}`,
    leaseMs: 0,
    newToken: randomUUID,
    jitter: Math.random,
    isForeignDead: options.isForeignDead,
  });
  await ports.store.reviveOutbox();
  const outbox = await deliverOutbox(repo, ports.store);
  return { attempts, rebuilt, outbox };
}
