import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  statfsSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { delimiter, join } from "node:path";

import { messageOf } from "../../model/errors.ts";
import type { FolderProbe, Machine } from "../machine.ts";

/**
 * `f_type` of file systems that other machines can change behind our back, from Linux' `magic.h`:
 * NFS, SMB, CIFS, SMB2, AFS, Ceph, Lustre, GPFS, BeeGFS, 9p.
 */
const NETWORK_FILE_SYSTEMS = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f, 0x00c36400, 0x0bd00bd0, 0x47504653, 0x19830326, 0x01021997,
]);

/** The machine that this process runs on. */
export class LocalMachine implements Machine {
  readonly nodeVersion = process.versions.node;
  readonly #searchPath: string;

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#searchPath = env["PATH"] ?? "";
  }

  probeFolder(path: string): FolderProbe {
    if (!existsSync(path)) return { kind: "missing" };
    const file = join(path, `.aexp-probe-${process.pid}`);
    try {
      const handle = openSync(file, "wx");
      const before = Date.now();
      const { mtimeMs } = fstatSync(handle);
      closeSync(handle);
      unlinkSync(file);
      const { type, bavail, bsize } = statfsSync(path);
      return {
        kind: "writable",
        freeBytes: bavail * bsize,
        fileSystem: NETWORK_FILE_SYSTEMS.has(type) ? "network" : "local",
        clockDifferenceMs: Math.round(mtimeMs - before),
      };
    } catch (error) {
      return { kind: "unwritable", problem: messageOf(error) };
    }
  }

  findProgram(name: string): string | undefined {
    return this.#searchPath
      .split(delimiter)
      .filter((folder) => folder !== "")
      .map((folder) => join(folder, name))
      .find(isExecutable);
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Not there, or not for us: either way the shell would go on to the next folder.
    return false;
  }
}
