import { randomUUID } from "node:crypto";
import { closeSync, linkSync, openSync, rmSync, writeFileSync } from "node:fs";

import { systemErrorCode } from "../model/errors.ts";
import { explainWriteFailure } from "./atomic-write.ts";

/**
 * Writes a file that must not be there yet. Of several processes that try, one succeeds, and nobody ever reads a part.
 *
 * @returns false when the file is there
 * @throws {AexpError} `environment.read_only`, `environment.disk_full`, and Node's own error for anything else
 */
export function createOnce(path: string, data: string): boolean {
  const temporary = `${path}.${randomUUID()}`;
  try {
    writeFileSync(temporary, data, { flag: "wx" });
    return linkOnce(temporary, path, data);
  } catch (error) {
    throw explainWriteFailure(error, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function linkOnce(temporary: string, path: string, data: string): boolean {
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "EEXIST") return false;
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS") throw error;
    return writeOnce(path, data);
  }
}

/** For file systems without hard links: still one winner, but a reader may see the file before its text. */
function writeOnce(path: string, data: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(path, "wx");
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") return false;
    throw error;
  }
  try {
    writeFileSync(descriptor, data);
  } finally {
    closeSync(descriptor);
  }
  return true;
}
