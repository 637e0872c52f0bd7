import { toInstant } from "../model/clock.ts";
import type { OutputRecord } from "../output/output-record.ts";
import type { OutputStore } from "../output/output-store.ts";
import type { OutputState, RunOutput } from "../queue/run-output.ts";
import { findOutputRecord } from "./check-run-output.ts";
import { attemptOfPath } from "./output-places.ts";
import type { KnownOutput } from "./known-outputs.ts";
import type { Repo } from "./repo.ts";

/**
 * How an output is found now, by sizes and times. `elsewhere`: it is on another machine. `unrecorded`: nothing is left that
 * says where it lies, or what it was.
 */
export type OutputNow = OutputState | "elsewhere" | "unrecorded";

/** How an output of a run is found now; the stream of a run that is not complete, as the first of its items that is not there. */
export async function lookAtOutput(
  repo: Repo,
  outputs: OutputStore,
  { located, items, machine }: KnownOutput,
): Promise<{ readonly now: OutputNow; readonly itemsNow: readonly OutputNow[] }> {
  const itemsNow: OutputNow[] = [];
  for (const item of items) itemsNow.push(await lookAtRecord(repo, outputs, item, toItemRecord(item)));
  if (located !== undefined) {
    const record = findOutputRecord(repo, outputs, located);
    return { now: await lookAtRecord(repo, outputs, located, record), itemsNow };
  }
  if (items.length === 0) return { now: machine === repo.machineLabel ? "unrecorded" : "elsewhere", itemsNow };
  return { now: itemsNow.find((state) => state !== "present") ?? "present", itemsNow };
}

async function lookAtRecord(
  repo: Repo,
  outputs: OutputStore,
  { machine, holder }: RunOutput,
  record: OutputRecord | undefined,
): Promise<OutputNow> {
  if (machine !== repo.machineLabel) return "elsewhere";
  return record === undefined ? "unrecorded" : await outputs.check(record, repo.runs.workspaceOf(holder));
}

/**
 * The record of an item as if it were an output of its own. Whoever can write to the queue says where it lies, and only
 * places below an attempt's outputs are looked at.
 */
export function toItemRecord(item: RunOutput): OutputRecord | undefined {
  const { name, path, kind, digest, bytes, files, stats, checkedAt } = item;
  if (attemptOfPath(path) === undefined || path.split("/").includes("..")) return undefined;
  return { name, path, kind, digest, bytes, files, stats, checkedAt: toInstant(checkedAt) };
}
