import { readTimeMs } from "./environment-time.ts";

/** How long a worker's rights last, and how often it looks. Milliseconds. */
export interface QueueTiming {
  /** A lease that is not renewed for so long is somebody else's to settle. */
  readonly leaseMs: number;
  readonly renewMs: number;
  /** A worker that could not renew for so long ends its programs, before others may think them dead. */
  readonly fenceMs: number;
  /** How often it looks for work and for requests to stop although the queue has told of no change. */
  readonly pollMs: number;
  /** How often it looks for attempts of dead workers. */
  readonly reapMs: number;
  readonly heartbeatMs: number;
}

/**
 * The usual times, or those of the environment: `AEXP_LEASE_S`, from which the others follow as a quarter and three
 * quarters, `AEXP_POLL_S` and `AEXP_HEARTBEAT_S`.
 *
 * @throws {AexpError} `cli.usage`
 */
export function readQueueTiming(env: Readonly<Record<string, string | undefined>>): QueueTiming {
  const leaseMs = readTimeMs(env, "AEXP_LEASE_S");
  return {
    leaseMs,
    renewMs: leaseMs / 4,
    fenceMs: (leaseMs * 3) / 4,
    pollMs: readTimeMs(env, "AEXP_POLL_S"),
    reapMs: leaseMs / 4,
    heartbeatMs: readTimeMs(env, "AEXP_HEARTBEAT_S"),
  };
}
