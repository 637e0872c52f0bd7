import { mkdir, mkdirSync, realpath, rmdir, rmdirSync, stat, statSync, utimes } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { systemErrorCode } from "../model/errors.ts";

/** A holder that has not renewed its lock for so long is dead. Holders renew every second. */
const STALE_MS = 4000;
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
  // Of a CommonJS package only the default export survives the bundle.
  const { default: lockfile } = await import("proper-lockfile");
  let isHeld = true;
  const state = { isOurs: false, wasAbandoned: false };
  const options = {
    lockfilePath: path,
    realpath: false,
    stale: STALE_MS,
    update: 1000,
    fs: { mkdir, realpath, rmdir: breakSafely(state), rmdirSync, stat, utimes },
    onCompromised: () => (isHeld = false),
  };

  const deadline = performance.now() + waitMs;
  for (;;) {
    try {
      const release = await lockfile.lock(path, options);
      state.isOurs = true;
      try {
        return { result: await task({ wasAbandoned: state.wasAbandoned, isHeld: () => isHeld }) };
      } finally {
        if (isHeld) await release();
      }
    } catch (error) {
      if (systemErrorCode(error) !== "ELOCKED") throw error;
    }
    if (performance.now() > deadline) return undefined;
    await sleep(1 + Math.random() * RETRY_MS);
  }
}

type RmdirCallback = (error: NodeJS.ErrnoException | null) => void;

/**
 * The lock library removes a stale folder by name. Between its look and its removal another waiter may have replaced
 * the stale folder by its own fresh lock, and both would hold it. So waiters take turns in removing, and look again.
 */
function breakSafely(state: { isOurs: boolean; wasAbandoned: boolean }): (path: string, done: RmdirCallback) => void {
  return (path, done) => {
    if (state.isOurs) return rmdir(path, done);
    let failure: NodeJS.ErrnoException | null = null;
    try {
      state.wasAbandoned = removeInTurn(path) || state.wasAbandoned;
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    done(failure);
  };
}

/** Removes a lock that is stale, unless another waiter is at it. */
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
