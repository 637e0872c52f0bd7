import { AexpError } from "../model/errors.ts";
import type { KeptOutputs, OutputStore } from "../output/output-store.ts";
import type { JobId } from "../run/job-id.ts";
import type { CollectableOutputs, CollectionPlan, CollectionRules } from "./collectable-outputs.ts";
import { CollectionPlanner } from "./collection-planner.ts";
import { type ProtectionPorts, readProtectedOutputs, readQueueView } from "./protected-outputs.ts";
import type { Repo } from "./repo.ts";

/** What outputs are collected with. */
export interface CollectionPorts extends ProtectionPorts {
  readonly outputs: OutputStore;
}

/**
 * Finds out which outputs on this machine nobody wants any more. Only those of stages count: what else lies in the folders
 * of runs belongs to others.
 */
export async function planCollection(
  repo: Repo,
  ports: CollectionPorts,
  rules: CollectionRules,
): Promise<CollectionPlan> {
  const view = await readQueueView(repo, ports);
  const wanted = await readProtectedOutputs(repo, ports, view, rules.keepLast);
  const planner = new CollectionPlanner(repo, view, wanted, rules);
  for (const run of repo.runs.exists() ? repo.runs.listJobIds() : []) {
    for (const kept of await listKept(repo, ports, run)) planner.add(run, kept);
  }
  return planner.finish();
}

/** Those of a plan that still nobody wants, as things are now. */
export async function planAgain(
  repo: Repo,
  ports: CollectionPorts,
  rules: CollectionRules,
  planned: readonly CollectableOutputs[],
): Promise<readonly CollectableOutputs[]> {
  const view = await readQueueView(repo, ports);
  const planner = new CollectionPlanner(
    repo,
    view,
    await readProtectedOutputs(repo, ports, view, rules.keepLast),
    rules,
  );
  return planned.flatMap((item) => {
    const found = planner.find(item.run, { ...item, isKept: true });
    return found === undefined || "kept" in found ? [] : [found];
  });
}

async function listKept(repo: Repo, { outputs }: CollectionPorts, run: JobId): Promise<readonly KeptOutputs[]> {
  try {
    return await outputs.list(repo.runs.workspaceOf(run));
  } catch (error) {
    if (!(error instanceof AexpError)) throw error;
    repo.warn(`the outputs of run ${run.slice(0, 8)} are left alone: ${error.message}`);
    return [];
  }
}
