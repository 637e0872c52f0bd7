import { AexpError, messageOf, systemErrorCode } from "../model/errors.ts";
import { toCacheKey } from "../pipeline/cache-key.ts";
import { toInputsValue } from "../pipeline/resolved-inputs.ts";
import { toRecipe } from "../pipeline/stage-recipe.ts";
import { readStageWork } from "../pipeline/stage-work.ts";
import type { OutputLook } from "../queue/run-output.ts";
import type { Resolution } from "../queue/stage.ts";
import type { Task } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import { checkRunOutput } from "./check-run-output.ts";
import type { Repo } from "./repo.ts";
import { StageInputs } from "./stage-inputs.ts";
import type { CachePorts, StagePorts } from "./stage-ports.ts";

/** So many stages are looked at before others that came meanwhile. */
const BATCH = 100;
/** Of several runs that computed the same, the newest are looked at first, so many at a time. */
const MAX_HITS = 5;

/**
 * Finds out what is to become of the stages that wait for nothing but that: what their inputs are, whether their result
 * is there already or on its way, or whether they have to be executed. Goes on with those that become ready by it, so
 * that a pipeline of which everything is cached ends here. Several processes may do this at once.
 *
 * @param signal ends it early, in the middle of hashing too; what is left stays as it is
 * @returns how many were resolved
 */
export async function resolveStages(repo: Repo, ports: StagePorts, signal?: AbortSignal): Promise<number> {
  let count = 0;
  for (;;) {
    const tasks = await ports.store.unresolved(repo.machineLabel, BATCH);
    const inputs = new StageInputs(repo, ports, signal);
    // Side by side: one that hashes for minutes keeps no other waiting, and the store takes many at once.
    const settled = await Promise.allSettled(tasks.map((task) => resolveStage(repo, ports, { task, inputs, signal })));
    // All have ended: none goes on behind the back of who tries again.
    const failure = settled.find(({ status }) => status === "rejected");
    if (failure?.status === "rejected") throw failure.reason;
    const resolved = settled.filter((outcome) => outcome.status === "fulfilled" && outcome.value).length;
    count += resolved;
    // What was left is another process's by now.
    if (resolved === 0 || signal?.aborted === true) return count;
  }
}

async function resolveStage(repo: Repo, ports: StagePorts, stage: StageInQuestion): Promise<boolean> {
  while (stage.signal?.aborted !== true) {
    const resolution = await findOut(repo, ports, stage);
    const resolved = resolution && (await ports.store.resolve(stage.task.id, resolution));
    // Each look finds the run that came meanwhile, or notes that its outputs are not there.
    if (resolved?.kind !== "overlooked") return resolved !== undefined;
  }
  return false;
}

/** A stage of which it is asked what is to become of it. */
interface StageInQuestion {
  readonly task: Task;
  readonly inputs: StageInputs;
  readonly signal?: AbortSignal | undefined;
}

/** @returns `undefined` when it is to end early */
async function findOut(
  repo: Repo,
  ports: StagePorts,
  { task, inputs, signal }: StageInQuestion,
): Promise<Resolution | undefined> {
  try {
    return await findResolution(repo, ports, inputs, task);
  } catch (error) {
    if (signal?.aborted === true) return undefined;
    if (isOfQueue(error)) throw error;
    // One that cannot be read must not keep the others waiting.
    return { problem: { code: "spawn_error", message: messageOf(error) } };
  }
}

/** Whether the queue could not be asked: then the next look finds out what this one did not. */
function isOfQueue(error: unknown): boolean {
  if (!(error instanceof AexpError)) return systemErrorCode(error) !== undefined;
  return error.code.startsWith("queue.") && error.code !== "queue.spec_invalid";
}

async function findResolution(repo: Repo, ports: StagePorts, inputs: StageInputs, task: Task): Promise<Resolution> {
  if (task.spec.stage === undefined) throw new Error(`run ${task.id} is no stage`);
  const work = readStageWork(task.spec.stage);
  const found = await inputs.find(work);
  if ("problem" in found) return found;
  const key = work.cache === "off" ? undefined : toCacheKey(toRecipe(work, found.inputs));
  const cacheKey = typeof key === "string" ? key : undefined;
  const hit = cacheKey === undefined || work.cache !== "on" ? undefined : await findHit(repo, ports, cacheKey);
  const common = { cacheKey, inputs: toInputsValue(found.inputs), mode: work.cache };
  return hit === undefined ? common : { ...common, hit };
}

/** The newest run of a key all of whose outputs lie unchanged on this machine. What is found otherwise is noted. */
export async function findHit(repo: Repo, ports: CachePorts, cacheKey: string): Promise<JobId | undefined> {
  for (const { run, outputs } of await ports.store.hits(cacheKey, repo.machineLabel, MAX_HITS)) {
    const damages: OutputLook[] = [];
    for (const output of outputs) {
      if (output.item !== "") continue;
      const { name, item } = output;
      const state = await checkRunOutput(repo, ports.outputs, output);
      if (state !== "present") damages.push({ run, name, item, state });
    }
    if (damages.length === 0) return run;
    await ports.store.noteOutputs(damages);
  }
  return undefined;
}
