import type { FileChange } from "../code/code-store.ts";
import { toCacheKey } from "../pipeline/cache-key.ts";
import { toRecipeObject } from "../pipeline/cache-recipe.ts";
import { type CacheVerdict, type MissReason, type PipelinePlan, toPipelinePlan } from "../pipeline/pipeline-plan.ts";
import { firstDifference } from "../pipeline/recipe-difference.ts";
import { toRecipe } from "../pipeline/stage-recipe.ts";
import { type InputSource, readStageWork, type StageWork } from "../pipeline/stage-work.ts";
import type { Task } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import type { PipelineRun, PipelineRuns } from "./pipeline-runs.ts";
import { readInputs } from "./prepare-stage.ts";
import type { Repo } from "./repo.ts";
import { findHit } from "./resolve-stages.ts";
import { StageInputs } from "./stage-inputs.ts";
import type { CachePorts } from "./stage-ports.ts";

/**
 * What submitting a pipeline would do: which of its runs the cache has already, as far as that can be known before
 * anything of it is executed.
 *
 * @param options `isExplained`: says of each that is executed in what it differs from the run that is most like it
 */
export async function planPipeline(
  repo: Repo,
  ports: CachePorts,
  name: string,
  { expansion, runs }: PipelineRuns,
  { isExplained }: { readonly isExplained: boolean },
): Promise<PipelinePlan> {
  const planner = new Planner(repo, ports, runs, isExplained);
  const verdicts: CacheVerdict[] = [];
  for (const run of runs) verdicts.push(await planner.judge(run));
  return toPipelinePlan(
    name,
    expansion,
    (_, place) => verdicts[place] ?? { kind: "uncached", because: "nobody asked" },
  );
}

class Planner {
  readonly #repo: Repo;
  readonly #ports: CachePorts;
  readonly #inputs: StageInputs;
  readonly #isExplained: boolean;
  readonly #stageOf: ReadonlyMap<JobId, string>;
  /** For each planned run that the cache has, the run whose outputs it will have. */
  readonly #hits = new Map<JobId, JobId>();
  #earlier: Promise<readonly Task[]> | undefined;
  /** By both trees: the runs of a stage have their code in common. */
  readonly #changes = new Map<string, Promise<readonly FileChange[] | undefined>>();

  constructor(repo: Repo, ports: CachePorts, runs: readonly PipelineRun[], isExplained: boolean) {
    this.#repo = repo;
    this.#ports = ports;
    this.#inputs = new StageInputs(repo, ports);
    this.#isExplained = isExplained;
    this.#stageOf = new Map(runs.map(({ run, work }) => [run.jobId, work.stage]));
  }

  async judge({ run, work }: PipelineRun): Promise<CacheVerdict> {
    if (work.cache === "off") return { kind: "uncached", because: "its cache is off" };
    const until = this.#openStages(work.inputs);
    if (until.length > 0) return { kind: "unknown", until };
    const known = { ...work, inputs: work.inputs.map((input) => this.#toKnown(input)) };
    const found = await this.#inputs.find(known);
    if ("problem" in found) return { kind: "uncached", because: found.problem.message };
    const recipe = toRecipe(known, found.inputs);
    const key = toCacheKey(recipe);
    if (typeof key !== "string") return { kind: "uncached", because: key.unkeyed };
    if (work.cache === "refresh") return { kind: "miss", key, because: { kind: "refresh" } };
    const from = await findHit(this.#repo, this.#ports, key);
    if (from === undefined) return { kind: "miss", key, because: await this.#explain(work, recipe) };
    this.#hits.set(run.jobId, from);
    return { kind: "hit", key, from };
  }

  /** The stages of this pipeline that must be executed before anything is known. */
  #openStages(inputs: readonly InputSource[]): readonly string[] {
    const open = inputs.flatMap(runsOf).flatMap((run) => {
      const stage = this.#stageOf.get(run);
      return stage === undefined || this.#hits.has(run) ? [] : [stage];
    });
    return [...new Set(open)];
  }

  /** The input as it will be, with the runs that the cache gives in place of those that are not submitted yet. */
  #toKnown(input: InputSource): InputSource {
    if (input.kind === "path") return input;
    const hitOf = (run: JobId): JobId => this.#hits.get(run) ?? run;
    if (input.kind === "run") return { ...input, run: hitOf(input.run) };
    return { ...input, elements: input.elements.map(({ run, bindings }) => ({ run: hitOf(run), bindings })) };
  }

  async #explain(work: StageWork, recipe: ReturnType<typeof toRecipe>): Promise<MissReason> {
    const now = toRecipeObject(recipe);
    if (!this.#isExplained || "unkeyed" in now) return { kind: "new" };
    const like = await this.#findLike(work);
    if (like?.spec.stage === undefined) return { kind: "new" };
    const workBefore = readStageWork(like.spec.stage);
    const before = toRecipeObject(toRecipe(workBefore, readInputs(like)));
    if ("unkeyed" in before) return { kind: "new" };
    const difference = firstDifference(before, now);
    if (difference !== undefined) {
      const files = difference.field === "code" ? await this.#changedFiles(workBefore, work) : undefined;
      return { kind: "differs", run: like.id, difference, files };
    }
    const { machineLabel } = this.#repo;
    const problem =
      like.machine === machineLabel
        ? "its outputs are not what it wrote, or gone"
        : `its outputs are on ${like.machine}, and not on ${machineLabel}`;
    return { kind: "outputs", run: like.id, problem };
  }

  async #changedFiles(before: StageWork, now: StageWork): Promise<readonly FileChange[] | undefined> {
    if ("unkeyed" in before.code || "unkeyed" in now.code) return undefined;
    const { tree: from } = before.code;
    const { tree: to } = now.code;
    const pair = `${from} ${to}`;
    const known = this.#changes.get(pair) ?? this.#ports.code.changedFiles(from, to);
    this.#changes.set(pair, known);
    return await known;
  }

  /** The newest executed run of the stage, best of the same element. */
  async #findLike({ pipeline, stage, label }: StageWork): Promise<Task | undefined> {
    this.#earlier ??= this.#ports.store.tasks({ states: ["complete"] });
    const same = (await this.#earlier).filter(
      ({ spec, cacheKey }) => cacheKey !== undefined && spec.stage?.pipeline === pipeline && spec.stage.stage === stage,
    );
    return same.findLast(({ spec }) => (spec.stage?.["element"] ?? "") === label) ?? same.at(-1);
  }
}

function runsOf(input: InputSource): readonly JobId[] {
  if (input.kind === "run") return [input.run];
  return input.kind === "list" ? input.elements.map(({ run }) => run) : [];
}
