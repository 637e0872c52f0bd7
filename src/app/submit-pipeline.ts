import { isUnkeyed } from "../code/code-identity.ts";
import { queueRuns } from "./add-to-queue.ts";
import { deliverMarks } from "./deliver-outbox.ts";
import type { PipelineRun, PipelineRuns } from "./pipeline-runs.ts";
import type { Repo } from "./repo.ts";
import { PolicyFile } from "./policy-file.ts";
import { toListener } from "./policy-firing.ts";
import { resolveStages } from "./resolve-stages.ts";
import type { StagePorts } from "./stage-ports.ts";
import type { NewGroup } from "../queue/queue-store.ts";

/**
 * Submits all runs of a pipeline, and takes what can be taken from the cache at once: where everything is there already
 * nothing is left for a worker. The code that was captured is kept from git's clean-up first.
 *
 * @throws {AexpError} `config.invalid` for policies that cannot be read, and what keeping the code and queueing the runs throw; then nothing was queued
 */
export async function submitPipeline(
  repo: Repo,
  ports: StagePorts,
  group: NewGroup,
  { runs }: PipelineRuns,
): Promise<void> {
  warnOf(repo, runs);
  // Policies that nobody has seen yet listen from here on, whenever a worker looks for the first time.
  const policies = new PolicyFile(repo);
  for (const owner of new Set(runs.map(({ task }) => task.owner))) {
    for (const policy of await policies.read()) await ports.store.seeOutputs(toListener(repo, policy, owner));
  }
  const trees = new Set(runs.flatMap(({ work: { code } }) => (isUnkeyed(code) ? [] : [code.tree])));
  for (const tree of trees) await ports.code.keepTree(tree);
  await queueRuns(
    repo,
    ports.store,
    group,
    runs.map(({ run, task }, position) => ({
      run,
      task,
      verdict: { kind: "queue", before: undefined, lastAttempt: 0 },
      override: undefined,
      position,
    })),
  );
  // Whoever cleaned up meanwhile did not see that anything needs it.
  const kept = trees.size === 0 ? [] : await ports.code.keptTrees();
  for (const tree of trees) if (!kept.includes(tree)) await ports.code.keepTree(tree);
  await resolveStages(repo, ports);
  await deliverMarks(repo, ports.store);
}

/** Says what the user may not expect, once for all stages. */
function warnOf(repo: Repo, runs: readonly PipelineRun[]): void {
  const orphans = namesOf(runs.filter(({ task }) => task.experimentId === undefined));
  if (orphans !== "") {
    repo.warn(
      `no experiment is named for ${orphans}: \`aexp validate\` reports such runs (run.orphan); \`defaults: {experiment: E001}\` names one`,
    );
  }
  const unkeyed = Map.groupBy(runs, ({ work: { code, cache } }) =>
    isUnkeyed(code) && cache !== "off" ? code.unkeyed : "",
  );
  for (const [why, without] of unkeyed) {
    if (why !== "") repo.warn(`${namesOf(without)} cannot be cached: ${why}`);
  }
}

/** So many stages are named one by one. */
const MOST_NAMES = 5;

function namesOf(runs: readonly PipelineRun[]): string {
  const names = [...new Set(runs.map(({ work }) => work.stage))];
  if (names.length <= MOST_NAMES) return names.join(", ");
  return `${names.slice(0, MOST_NAMES - 2).join(", ")} and ${names.length - MOST_NAMES + 2} more stages`;
}
