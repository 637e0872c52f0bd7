import { closeSync, linkSync, openSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";

import { systemErrorCode } from "../model/errors.ts";

/** A time this recent need not be renewed; a lock is taken for abandoned much later. */
const FRESH_MS = 500;
/** An anchor that nobody used for so long is what a killed process left; a living one makes a new one. */
const FORGOTTEN_MS = 3_600_000;

/**
 * A file of this process that all its locks in a folder are further names of. Another name takes ext4 a fraction of the
 * time of another file; and for some seconds it looks past each deleted file wherever it makes a new one.
 */
export class LockAnchor {
  readonly #path: string;
  /** Its time, and so that of every lock. */
  timeMs = 0;
  /** It may be gone. */
  #isInDoubt = false;

  /** @param path - in the folder of the locks; other processes' anchors there have names of the same beginning */
  private constructor(path: string) {
    this.#path = path;
  }

  /** The anchor of this process in a folder. */
  static in(folder: string): LockAnchor {
    const known = anchors.get(folder);
    if (known !== undefined) return known;
    sweep(folder);
    const anchor = new LockAnchor(join(folder, `${PREFIX}${process.pid}-${Date.now()}`));
    if (anchors.size === 0) process.once("exit", removeAll);
    anchors.set(folder, anchor);
    return anchor;
  }

  /**
   * Gives it one more name.
   *
   * @returns false when there is a file of that name
   * @throws {Error} Node's own, where a file cannot have several names
   */
  link(name: string): boolean {
    if (this.#isInDoubt || Math.abs(Date.now() - this.timeMs) > FRESH_MS) this.#touch();
    try {
      linkSync(this.#path, name);
      return true;
    } catch (error) {
      if (systemErrorCode(error) === "EEXIST") return false;
      this.#isInDoubt = true; // locks that are held go on to have its time
      throw error;
    }
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }

  #touch(): void {
    closeSync(openSync(this.#path, "a"));
    // By our own clock, as others judge its age by theirs; that of a file server may differ.
    const nowS = Date.now() / 1000;
    utimesSync(this.#path, nowS, nowS);
    this.timeMs = statSync(this.#path).mtimeMs;
    this.#isInDoubt = false;
  }
}

const PREFIX = ".anchor-";
const anchors = new Map<string, LockAnchor>();

function removeAll(): void {
  for (const anchor of anchors.values()) anchor.remove();
}

/** Removes what killed processes have left. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = join(folder, name);
    try {
      const found = statSync(path, { throwIfNoEntry: false });
      if (found !== undefined && found.mtimeMs < Date.now() - FORGOTTEN_MS) rmSync(path, { force: true });
    } catch {
      // Another user's: it is theirs to remove, and harms nobody.
    }
  }
}
