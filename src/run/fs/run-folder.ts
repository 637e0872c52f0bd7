import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

import { systemErrorCode } from "../../model/errors.ts";
import { flushFolder, writeFileAtomically, writeNewFile } from "../../platform/atomic-write.ts";

export const STATE_POINT_FILE = "signac_statepoint.json";
export const DOCUMENT_FILE = "signac_job_document.json";

/** signac takes every name that begins with 32 hex digits for a run; names that begin with a dot it ignores. */
const TEMPORARY_PREFIX = ".tmp-";
/** No creation takes so long, not even on a slow network file system. */
const TEMPORARY_LIFETIME_MS = 60 * 60 * 1000;

/** The texts of a new run's two files. */
export interface RunTexts {
  readonly statePoint: string;
  readonly document: string;
}

/**
 * Makes a run's folder appear, complete, in one rename. An empty folder, as signac leaves after a failure, is
 * replaced by the same rename; a folder that has other files but no state point gets what it lacks.
 *
 * @returns whether the run was not there before
 */
export async function placeRun(folder: string, texts: RunTexts): Promise<boolean> {
  if (existsSync(join(folder, STATE_POINT_FILE))) return false;
  const workspace = dirname(folder);
  mkdirSync(workspace, { recursive: true });
  const temporary = join(workspace, TEMPORARY_PREFIX + randomUUID());
  mkdirSync(temporary);
  try {
    writeNewFile(join(temporary, STATE_POINT_FILE), texts.statePoint);
    writeNewFile(join(temporary, DOCUMENT_FILE), texts.document);
    await flushFolder(temporary);
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    const code = systemErrorCode(error);
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    return await completeRun(folder, texts);
  }
  await flushFolder(workspace);
  return true;
}

async function completeRun(folder: string, texts: RunTexts): Promise<boolean> {
  // Usually another process was faster, and there is nothing left to do.
  if (existsSync(join(folder, STATE_POINT_FILE))) return false;
  if (!existsSync(join(folder, DOCUMENT_FILE))) {
    await writeFileAtomically(join(folder, DOCUMENT_FILE), texts.document);
  }
  await writeFileAtomically(join(folder, STATE_POINT_FILE), texts.statePoint);
  return true;
}

/** Removes the unfinished folders of creations that were killed. */
export function removeOldTemporaries(workspace: string): void {
  if (!existsSync(workspace)) return;
  for (const name of readdirSync(workspace)) {
    if (!/^\.tmp-[0-9a-f-]{36}$/.test(name)) continue;
    const path = join(workspace, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && stat.mtimeMs < Date.now() - TEMPORARY_LIFETIME_MS) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

/** Removes what writers of the document left when they were killed. Only for the holder of the run's lock. */
export function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (/^signac_job_document\.json\.\d+$/.test(name)) rmSync(join(folder, name), { force: true });
  }
}
