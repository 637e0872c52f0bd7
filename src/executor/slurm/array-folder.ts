import { mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { systemErrorCode } from "../../model/errors.ts";

/**
 * The folder of jobs that are submitted together: for each of them a link, named by its number, to the folder of the
 * attempt that it carries out. SLURM opens the jobs' output through these links, too.
 */
export class ArrayFolder {
  readonly path: string;

  /** @param place - absolute path of the folder in which all these folders are */
  constructor(place: string, array: string) {
    this.path = join(place, array);
  }

  get scriptPath(): string {
    return join(this.path, "array.sh");
  }

  make(): void {
    mkdirSync(this.path, { recursive: true });
  }

  link(index: number, attemptFolder: string): void {
    symlinkSync(attemptFolder, join(this.path, String(index)));
  }

  /** Where its links lead to. */
  targets(): readonly string[] {
    return namesIn(this.path).flatMap((name) => (/^\d+$/.test(name) ? [readlinkSync(join(this.path, name))] : []));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** All arrays whose folders are in a place. */
export function listArrays(place: string): readonly ArrayFolder[] {
  return namesIn(place).map((name) => new ArrayFolder(place, name));
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    // Nothing was ever submitted together, or another process was faster to clear it away.
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}
