import { randomUUID } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { isJsonObject } from "../../model/json.ts";
import { systemErrorCode } from "../../model/errors.ts";
import type { LanePatch } from "../lane.ts";
import type { Database, WriteTransaction } from "./database.ts";
import { listLanes, setLane } from "./lanes.ts";

/**
 * The settings of lanes are nowhere but in the database, so a copy lies beside it for the day it is lost: runs come back
 * from their documents, and their lanes from here. It is read only when a database is made.
 */
export function keepLaneCopy(db: Database): void {
  const file = copyOf(db);
  const temporary = `${file}.${randomUUID()}`;
  writeFileSync(temporary, `${JSON.stringify(listLanes(db), null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, file);
}

/** Sets the lanes of a new database as they were in the one before it. */
export function restoreLanes(tx: WriteTransaction): void {
  for (const { name, ...patch } of readCopy(copyOf(tx.db))) setLane(tx, name, patch);
}

function copyOf(db: Database): string {
  return join(dirname(db.path), "lanes.json");
}

function readCopy(file: string): readonly (LanePatch & { readonly name: string })[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    // A copy that was cut short by a full disk is worth no more than none.
    if (systemErrorCode(error) === "ENOENT" || error instanceof SyntaxError) return [];
    throw error;
  }
  return Array.isArray(value) ? value.flatMap((item: unknown) => toPatch(item) ?? []) : [];
}

function toPatch(value: unknown): (LanePatch & { readonly name: string }) | undefined {
  if (!isJsonObject(value) || typeof value["name"] !== "string") return undefined;
  const { name, maxRunning, maxPerCaller, isPaused, onLost, retainMs, keepLast, ageMs, executor } = value;
  return {
    name,
    ...(isCount(maxRunning) && { maxRunning }),
    ...(isCount(maxPerCaller) && { maxPerCaller }),
    ...(typeof isPaused === "boolean" && { isPaused }),
    ...((onLost === "fail" || onLost === "requeue") && { onLost }),
    ...(isCount(retainMs) && { retainMs }),
    ...(isCount(keepLast) && { keepLast }),
    ...(isCount(ageMs) && { ageMs }),
    ...((executor === "local" || executor === "slurm") && { executor }),
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && typeof value === "number" && value >= 0;
}
