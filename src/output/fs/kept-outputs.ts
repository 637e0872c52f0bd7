import { readdirSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { messageOf } from "../../model/errors.ts";
import { fromText } from "../../model/byte-path.ts";
import { outputFolder } from "../declaration.ts";
import type { KeptOutputs } from "../output-store.ts";
import { locateOutput } from "./locate-output.ts";
import { isGone, TreeChangedError, unreadable } from "./tree-failure.ts";
import { TurnTaking } from "./turn-taking.ts";
import { walkTree } from "./walk-tree.ts";

/**
 * What the attempts of a run keep on disk, the first attempt first. Everything counts, declared or not.
 *
 * @throws {AexpError} `output.unreadable`, `output.link_outside`
 */
export async function listKeptOutputs(runFolder: string): Promise<readonly KeptOutputs[]> {
  const names = listNames(join(runFolder, "outputs"));
  const attempts = new Set(names.flatMap((name) => attemptOf(name) ?? []));
  const kept: KeptOutputs[] = [];
  for (const attempt of [...attempts].toSorted((left, right) => left - right)) {
    const folder = locateOutput(runFolder, outputFolder(attempt));
    kept.push({ attempt, isKept: folder !== undefined, ...(folder === undefined ? NOTHING : await sum(folder.path)) });
  }
  return kept;
}

/**
 * Removes the outputs of an attempt. They go in one step, so that nobody takes a half of them for the whole; a kill may
 * leave files under another name, which the next removal takes along. The record stays, and says that they were there.
 *
 * @throws {AexpError} `output.link_outside`, and Node's own error when they cannot be removed
 */
export async function removeKeptOutputs(runFolder: string, attempt: number): Promise<void> {
  const located = locateOutput(runFolder, outputFolder(attempt));
  const outputs = join(runFolder, "outputs");
  if (located !== undefined) await rename(located.path, join(outputs, `${REMOVED}${attempt}-${process.pid}`));
  for (const name of listNames(outputs)) {
    if (name.startsWith(REMOVED)) await rm(join(outputs, name), { recursive: true, force: true });
  }
}

const NOTHING = { bytes: 0, files: 0 };
const REMOVED = ".removed-";
/** The folder of an attempt, its record, or what a removal left that was killed. */
const ATTEMPT_NAME = /^(?:(?<kept>[1-9]\d{0,8})(?:\.json)?|\.removed-(?<removed>[1-9]\d{0,8})-\d+)$/;

function attemptOf(name: string): number | undefined {
  const { kept, removed } = ATTEMPT_NAME.exec(name)?.groups ?? {};
  const digits = kept ?? removed;
  return digits === undefined ? undefined : Number(digits);
}

async function sum(folder: string): Promise<typeof NOTHING> {
  const total = { ...NOTHING };
  const turn = new TurnTaking(undefined);
  try {
    for (const entry of walkTree(fromText(folder))) {
      if (turn.isOver()) await turn.yield();
      if (entry.type !== "file") continue;
      total.bytes += entry.size;
      total.files += 1;
    }
  } catch (error) {
    // Somebody writes there, or removes it: then no sum would be right for long.
    if (!(error instanceof TreeChangedError)) throw error;
  }
  return total;
}

function listNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isGone(error)) return [];
    throw unreadable(fromText(folder), messageOf(error), error);
  }
}
