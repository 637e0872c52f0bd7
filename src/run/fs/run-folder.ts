import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { systemErrorCode } from "../../model/errors.ts";
import { flushFolder, writeFileAtomically, writeNewFile } from "../../platform/atomic-write.ts";

/** The two files of a run that signac knows, too. */
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

/**
 * As {@link placeRun}, for one of many: nothing is flushed, and one temporary name serves all, because a new one for each
 * of 10,000 runs makes the folder twice as large.
 */
export async function placeRunQuickly(folder: string, texts: RunTexts): Promise<boolean> {
  const temporary = join(dirname(folder), (quickName ??= TEMPORARY_PREFIX + randomUUID()));
  mkdirSync(temporary);
  try {
    writeFileSync(`${temporary}/${STATE_POINT_FILE}`, texts.statePoint);
    writeFileSync(`${temporary}/${DOCUMENT_FILE}`, texts.document);
    renameSync(temporary, folder);
    return true;
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    const code = systemErrorCode(error);
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    return await completeRun(folder, texts);
  }
}

let quickName: string | undefined;

/** Removes a run's folder when it holds no more than the two files that its creation wrote. */
export function removeUntouchedRun(folder: string): void {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  if (names.length === 0 || names.some((name) => name !== STATE_POINT_FILE && name !== DOCUMENT_FILE)) return;
  // First out of sight, so that nobody ever sees half a run.
  const temporary = join(dirname(folder), TEMPORARY_PREFIX + randomUUID());
  renameSync(folder, temporary);
  rmSync(temporary, { recursive: true, force: true });
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
