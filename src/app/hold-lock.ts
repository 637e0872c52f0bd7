import type { CommandEnd, RunningCommand } from "../executor/command.ts";
import type { Clock } from "../model/clock.ts";
import { AexpError, messageOf } from "../model/errors.ts";
import { describeHolder } from "../queue/describe-lock.ts";
import type { QueueStore, ResourceLock } from "../queue/queue-store.ts";
import { pause } from "./pause.ts";

/** How often a key that somebody else holds is asked for at most, whatever changes. */
const SHORTEST_PAUSE_MS = 50;
/** How often it is asked for although nothing has changed: the holder may have died, and its lock expired. */
const POLL_MS = 500;

const TAKEN = "somebody took it away";

/** A key that somebody wants. */
export interface LockRequest {
  /** In its canonical spelling. */
  readonly key: string;
  /** Names this holder and no other. */
  readonly holder: string;
  /** Who and where, for messages. */
  readonly note: string;
  readonly ttlMs: number;
  /** How long to wait for it; without end, when absent. */
  readonly waitMs: number | undefined;
  /** Told once, when it is not free at once. */
  readonly onWait: (by: ResourceLock) => void;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/** What a lock is held with. */
export interface LockPorts {
  readonly store: Pick<QueueStore, "acquireLock" | "renewLock" | "releaseLock" | "waitForChange">;
  readonly clock: Clock;
  readonly warn: (message: string) => void;
}

/** A command that was executed under a lock. */
export interface LockedCommand {
  readonly end: CommandEnd;
  readonly fence: number;
  readonly waitedMs: number;
}

/**
 * Takes a lock as soon as it is free.
 *
 * @returns `undefined` when the waiting was ended
 * @throws {AexpError} `lock.busy`
 */
export async function acquireLock(
  { store, clock }: Pick<LockPorts, "store" | "clock">,
  request: LockRequest,
): Promise<{ readonly fence: number; readonly expiresAt: number; readonly waitedMs: number } | undefined> {
  const { key, holder, ttlMs, note, waitMs = Infinity, signal } = request;
  const startMs = clock.monotonicMs();
  for (let n = 0; !signal.aborted; n += 1) {
    const outcome = await store.acquireLock(key, holder, ttlMs, note);
    const waitedMs = clock.monotonicMs() - startMs;
    if (outcome.kind === "held") return { fence: outcome.fence, expiresAt: outcome.expiresAt, waitedMs };
    if (waitedMs >= waitMs) throw busy(key, outcome.by);
    if (n === 0) request.onWait(outcome.by);
    const leftMs = waitMs - waitedMs;
    await pause(Math.min(SHORTEST_PAUSE_MS, leftMs), signal);
    await store.waitForChange(Math.max(0, Math.min(POLL_MS, leftMs) - SHORTEST_PAUSE_MS), signal);
  }
  return undefined;
}

/**
 * Executes a command under a lock, which is renewed until nothing of the command is left and then given back. When the
 * lock is lost, the command is ended: whoever has it now must not find it at work.
 *
 * @param start starts the command, which is told the number of this hold: it rises with every holder
 * @returns `undefined` when it was told to end before it had the lock
 * @throws {AexpError} `lock.busy`, `lock.lost`
 */
export async function holdLock(
  ports: LockPorts,
  request: LockRequest & { readonly graceMs: number },
  start: (fence: number) => RunningCommand,
): Promise<LockedCommand | undefined> {
  const held = await acquireLock(ports, request);
  if (held === undefined) return undefined;
  const { key, holder } = request;
  let lost: string | undefined;
  let end: CommandEnd;
  const over = new AbortController();
  try {
    const command = start(held.fence);
    const keeping = keepLock(ports, request, over.signal, (leftMs) => command.stop(Math.min(request.graceMs, leftMs)));
    end = await command.ended;
    over.abort();
    lost = await keeping;
  } finally {
    const isReleased = await ports.store.releaseLock(key, holder).catch((error: unknown) => {
      ports.warn(`the lock on ${JSON.stringify(key)} stays until it expires: ${messageOf(error)}`);
      return true;
    });
    if (!isReleased) lost ??= TAKEN;
  }
  if (lost !== undefined) throw lostLock(key, lost, end);
  return { end, fence: held.fence, waitedMs: held.waitedMs };
}

/**
 * Renews a lock until it is over. When it is lost, `onLost` is told how much time is left before somebody else can have
 * it; without end when somebody may have it already, because haste helps nobody then.
 *
 * @returns why it is lost; `undefined` when it is over
 */
async function keepLock(
  { store, clock }: LockPorts,
  { key, holder, ttlMs }: LockRequest,
  signal: AbortSignal,
  onLost: (leftMs: number) => void,
): Promise<string | undefined> {
  let renewedMs = clock.monotonicMs();
  for (;;) {
    await pause(ttlMs / 4, signal);
    if (signal.aborted) return undefined;
    const askedMs = clock.monotonicMs();
    try {
      if (!(await store.renewLock(key, holder, ttlMs))) {
        onLost(Infinity);
        return TAKEN;
      }
      renewedMs = askedMs;
    } catch (error) {
      const ageMs = clock.monotonicMs() - renewedMs;
      if (ageMs < (ttlMs * 3) / 4) continue;
      onLost(Math.max(0, ttlMs - ageMs));
      return `it could not be renewed (${messageOf(error)})`;
    }
  }
}

function busy(key: string, by: ResourceLock): AexpError {
  return new AexpError(`${JSON.stringify(key)} is held by ${describeHolder(by)}`, {
    code: "lock.busy",
    hint:
      by.holderKind === "run"
        ? "Wait for it with --wait, or stop the run with `aexp queue stop`."
        : "Wait for it with --wait; if its holder is gone, take the lock away with `aexp lock release --force`.",
  });
}

function lostLock(key: string, problem: string, { cause }: CommandEnd): AexpError {
  const end = cause.kind === "exited" ? `ended with exit ${cause.exitCode}` : "was ended";
  return new AexpError(`the lock on ${JSON.stringify(key)} was lost: ${problem}. The command ${end}`, {
    code: "lock.lost",
    hint: "Check what the command left behind before it is executed again.",
  });
}
