import { mkdirSync, rmdirSync, statSync, utimesSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { systemErrorCode } from "../model/errors.ts";

/** A holder that has not renewed its lock for so long is dead. */
const STALE_MS = 4000;
const RENEW_MS = 1000;
/** Waiters try again after a random part of this, so that they do not march in step. */
const RETRY_MS = 24;

/** What the holder of a lock knows about it. */
export interface HeldLock {
  /** The lock was taken from a holder that died, and may have left temporary files behind. */
  readonly wasAbandoned: boolean;
  /** Whether the lock is still ours; false after this process was suspended for longer than the lock lasts. */
  isHeld(): boolean;
}

/**
 * Runs `task` while holding the lock named by `path`, a folder that exists as long as the lock is held.
 * The folder around it must exist. A holder that was killed blocks others for four seconds.
 *
 * @returns what `task` gives, or `undefined` when others held the lock for longer than `waitMs`
 */
export async function withFolderLock<T>(
  path: string,
  waitMs: number,
  task: (lock: HeldLock) => Promise<T>,
): Promise<{ readonly result: T } | undefined> {
  const deadline = performance.now() + waitMs;
  let wasAbandoned = false;
  for (;;) {
    const lock = FolderLock.take(path);
    if (lock !== undefined) {
      try {
        return { result: await task({ wasAbandoned, isHeld: () => lock.isHeld() }) };
      } finally {
        lock.release();
      }
    }
    if (isStale(path) && removeInTurn(path)) wasAbandoned = true;
    else if (performance.now() > deadline) return undefined;
    else await sleep(1 + Math.random() * RETRY_MS);
  }
}

/** Locks that this process holds; when it ends in an orderly way, nobody waits for them. */
const held = new Set<FolderLock>();

function releaseAll(): void {
  for (const lock of held) lock.release();
}

/** A folder that is ours as long as it has the time that we gave it: who takes it over makes a new one. */
class FolderLock {
  readonly #path: string;
  readonly #renewal: NodeJS.Timeout;
  #timeMs: number;

  private constructor(path: string) {
    this.#path = path;
    this.#timeMs = this.#touch();
    this.#renewal = setInterval(() => this.#renew(), RENEW_MS).unref();
    if (held.size === 0) process.once("exit", releaseAll);
    held.add(this);
  }

  /** `undefined` when somebody holds it. */
  static take(path: string): FolderLock | undefined {
    try {
      mkdirSync(path);
    } catch (error) {
      if (systemErrorCode(error) === "EEXIST") return undefined;
      throw error;
    }
    return new FolderLock(path);
  }

  isHeld(): boolean {
    return statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs === this.#timeMs;
  }

  release(): void {
    clearInterval(this.#renewal);
    held.delete(this);
    if (held.size === 0) process.off("exit", releaseAll);
    if (this.isHeld()) removeFolder(this.#path);
  }

  #renew(): void {
    try {
      if (this.isHeld()) this.#timeMs = this.#touch();
    } catch {
      // Tried again in a second. Who takes the lock over meanwhile makes `isHeld` false.
    }
  }

  /** By our own clock, as others judge its age by theirs; that of a file server may differ. */
  #touch(): number {
    const nowS = Date.now() / 1000;
    utimesSync(this.#path, nowS, nowS);
    return statSync(this.#path).mtimeMs;
  }
}

/**
 * Removes a lock that is stale, unless another waiter is at it. Between a look and a removal another waiter may have
 * replaced the stale folder by its own fresh lock, and both would hold it; so waiters take turns, and look again.
 */
function removeInTurn(path: string): boolean {
  const turn = `${path}.break`;
  try {
    mkdirSync(turn);
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw error;
    // The waiter whose turn it was has died, too.
    if (isStale(turn)) removeFolder(turn);
    return false;
  }
  try {
    if (!isStale(path)) return false;
    removeFolder(path);
    return true;
  } finally {
    removeFolder(turn);
  }
}

function isStale(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.mtimeMs < Date.now() - STALE_MS;
}

function removeFolder(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
}
