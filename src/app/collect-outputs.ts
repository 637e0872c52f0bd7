import { messageOf } from "../model/errors.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { OutputLook, OutputState } from "../queue/run-output.ts";
import { checkRunOutput } from "./check-run-output.ts";
import type { CollectableOutputs, CollectionPlan, CollectionRules } from "./collectable-outputs.ts";
import { type CollectionPorts, planAgain } from "./plan-collection.ts";
import type { Repo } from "./repo.ts";

/** What outputs are deleted with. */
export interface DeletionPorts extends CollectionPorts {
  readonly store: CollectionPorts["store"] & Pick<QueueStore, "noteOutputs">;
}

/** What was deleted. */
export interface Collection {
  readonly deleted: readonly CollectableOutputs[];
  /** What somebody wants since it was planned. */
  readonly spared: readonly CollectableOutputs[];
  readonly failed: readonly { readonly item: CollectableOutputs; readonly problem: string }[];
}

/** So many are marked, looked at again and deleted at a time. */
const BATCH = 20;

/**
 * Deletes what a plan says. Before anything goes the queue is told that it is missing, so that nobody takes it from then
 * on; whoever was faster is seen by looking at everything again. What is killed in between leaves outputs that the queue
 * takes for missing although they are there; the next collection deletes them.
 *
 * @param onProgress told how many were dealt with
 */
export async function collectOutputs(
  repo: Repo,
  ports: DeletionPorts,
  rules: CollectionRules,
  { collectable, leftovers }: Pick<CollectionPlan, "collectable" | "leftovers">,
  onProgress?: (done: number) => void,
): Promise<Collection> {
  const deleted: CollectableOutputs[] = [];
  const spared: CollectableOutputs[] = [];
  const failed: { item: CollectableOutputs; problem: string }[] = [];
  for (let start = 0; start < collectable.length; start += BATCH) {
    const batch = collectable.slice(start, start + BATCH);
    for (const item of batch) await markMissing(ports, item);
    const unwanted = new Map((await planAgain(repo, ports, rules, batch)).map((item) => [keyOf(item), item]));
    for (const [index, item] of batch.entries()) {
      const problem = unwanted.has(keyOf(item)) ? await remove(repo, ports, item) : undefined;
      if (!unwanted.has(keyOf(item))) spared.push(item);
      else if (problem === undefined) deleted.push(item);
      else failed.push({ item, problem });
      if (!deleted.includes(item)) await lookAgain(repo, ports, item);
      onProgress?.(start + index + 1);
    }
  }
  for (const [run, attempt] of leftovers) await removeLeftovers(repo, ports, run, attempt);
  return { deleted, spared, failed };
}

function keyOf({ run, attempt }: CollectableOutputs): string {
  return `${run}/${attempt}`;
}

async function markMissing({ store }: DeletionPorts, { rows }: CollectableOutputs): Promise<void> {
  const present = rows.filter(({ state }) => state !== "missing");
  await store.noteOutputs(present.map(({ run, name, item }) => ({ run, name, item, state: "missing" })));
}

/** @returns what went wrong */
async function remove(
  repo: Repo,
  { outputs }: DeletionPorts,
  { run, attempt }: CollectableOutputs,
): Promise<string | undefined> {
  try {
    await outputs.remove(repo.runs.workspaceOf(run), attempt);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** What stays is not missing. */
async function lookAgain(repo: Repo, { store, outputs }: DeletionPorts, { rows }: CollectableOutputs): Promise<void> {
  const found = new Map<string, OutputState>();
  const looks: OutputLook[] = [];
  for (const row of rows.toSorted((a, b) => a.item.length - b.item.length)) {
    // Items are as their stream.
    const state = found.get(row.name) ?? (await checkRunOutput(repo, outputs, row));
    if (row.item === "") found.set(row.name, state);
    looks.push({ run: row.run, name: row.name, item: row.item, state });
  }
  await store.noteOutputs(looks);
}

async function removeLeftovers(
  repo: Repo,
  { outputs }: DeletionPorts,
  run: CollectableOutputs["run"],
  attempt: number,
): Promise<void> {
  try {
    await outputs.remove(repo.runs.workspaceOf(run), attempt);
  } catch (error) {
    repo.warn(`what was left of outputs of run ${run.slice(0, 8)} cannot be deleted: ${messageOf(error)}`);
  }
}
