import { closeSync, fstatSync, futimesSync, openSync, rmSync, statSync, utimesSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { systemErrorCode } from "../model/errors.ts";
import { LockAnchor } from "./lock-anchor.ts";

/** A holder that has not renewed its lock for so long is dead. */
const STALE_MS = 4000;
const RENEW_MS = 1000;
/** Waiters try again after a random part of this, so that they do not march in step. */
const RETRY_MS = 24;

/** How a lock is taken. */
export interface LockOptions {
  /** Locks in this folder are taken often: they are names of one file that stays there, see {@link LockAnchor}. */
  readonly isFrequent?: boolean;
}

/** What the holder of a lock knows about it. */
export interface HeldLock {
  /** The lock was taken from a holder that died, and may have left temporary files behind. */
  readonly wasAbandoned: boolean;
  /** Whether the lock is still ours; false after this process was suspended for longer than the lock lasts. */
  isHeld(): boolean;
}

/**
 * Runs `task` while holding the lock named by `path`, a file that exists as long as the lock is held.
 * The folder around it must exist. A holder that was killed blocks others for four seconds.
 *
 * @returns what `task` gives, or `undefined` when others held the lock for longer than `waitMs`
 */
export async function withLockFile<T>(
  path: string,
  waitMs: number,
  task: (lock: HeldLock) => Promise<T>,
  { isFrequent = false }: LockOptions = {},
): Promise<{ readonly result: T } | undefined> {
  const deadline = performance.now() + waitMs;
  let wasAbandoned = false;
  for (;;) {
    const lock = LockFile.take(path, isFrequent);
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
const held = new Set<LockFile>();

function releaseAll(): void {
  for (const lock of held) lock.release();
}

/** The time that we gave a file; one for all locks that are names of the same file. */
interface GivenTime {
  timeMs: number;
}

/**
 * A file that is ours as long as it has the time that we gave it: who takes the lock over makes a new one. Where all files
 * of this process are names of one, no other task of it can do so: to try renews them all.
 */
class LockFile {
  readonly #path: string;
  readonly #renewal: NodeJS.Timeout;
  readonly #given: GivenTime;

  private constructor(path: string, given: GivenTime) {
    this.#path = path;
    this.#given = given;
    this.#renewal = setInterval(() => this.#renew(), RENEW_MS).unref();
    if (held.size === 0) process.once("exit", releaseAll);
    held.add(this);
  }

  /** `undefined` when somebody holds it. */
  static take(path: string, isFrequent: boolean): LockFile | undefined {
    const given = isFrequent ? link(path) : create(path);
    return given === undefined ? undefined : new LockFile(path, given);
  }

  isHeld(): boolean {
    return statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs === this.#given.timeMs;
  }

  release(): void {
    clearInterval(this.#renewal);
    held.delete(this);
    if (held.size === 0) process.off("exit", releaseAll);
    if (this.isHeld()) rmSync(this.#path, { force: true });
  }

  #renew(): void {
    try {
      if (!this.isHeld()) return;
      const nowS = Date.now() / 1000;
      utimesSync(this.#path, nowS, nowS);
      this.#given.timeMs = statSync(this.#path).mtimeMs;
    } catch {
      // Tried again in a second. Who takes the lock over meanwhile makes `isHeld` false.
    }
  }
}

/** As {@link create}, without a new file where the file system can do without. */
function link(path: string): GivenTime | undefined {
  try {
    const anchor = LockAnchor.in(dirname(path));
    return anchor.link(path) ? anchor : undefined;
  } catch {
    return create(path); // a file system without such names says so with one of several codes
  }
}

/** @returns the time of the new file; `undefined` when there is one */
function create(path: string): GivenTime | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, "wx");
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") return undefined;
    throw error;
  }
  try {
    // By our own clock, as others judge its age by theirs; that of a file server may differ.
    const nowS = Date.now() / 1000;
    futimesSync(descriptor, nowS, nowS);
    return { timeMs: fstatSync(descriptor).mtimeMs };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Removes a lock that is stale, unless another waiter is at it. Between a look and a removal another waiter may have
 * replaced the stale file by its own fresh lock, and both would hold it; so waiters take turns, and look again.
 */
function removeInTurn(path: string): boolean {
  const turn = `${path}.break`;
  if (create(turn) === undefined) {
    // The waiter whose turn it was has died, too.
    if (isStale(turn)) rmSync(turn, { force: true });
    return false;
  }
  try {
    if (!isStale(path)) return false;
    rmSync(path, { force: true });
    return true;
  } finally {
    rmSync(turn, { force: true });
  }
}

function isStale(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.mtimeMs < Date.now() - STALE_MS;
}
