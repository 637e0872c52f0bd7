import type { ExactObject } from "../model/exact-json.ts";
import { mergeComputeRequests } from "../queue/compute-request.ts";
import type { Expansion, StageElement } from "../pipeline/expand.ts";
import { elementNeeds, expandPipeline } from "../pipeline/expand.ts";
import { type Pipeline, type Stage, STAGE_KEYS } from "../pipeline/pipeline.ts";
import { type StageWork, toStageSpec } from "../pipeline/stage-work.ts";
import { DEFAULT_LANE, type Lane } from "../queue/lane.ts";
import { checkKind, DEFAULT_KIND } from "../queue/pool.ts";
import type { NewGroup, NewTask } from "../queue/queue-store.ts";
import { canonicalKey } from "../queue/resource-key.ts";
import type { CacheMode } from "../queue/stage.ts";
import { DEFAULT_RETRY, type ExecutorKind, type Need, type TaskSpec } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import { withoutProvenance } from "../run/parameters.ts";
import { checkStageEnv } from "./check-stage-env.ts";
import { captureCodes, codeKey } from "./capture-codes.ts";
import { findExecutor } from "./find-executor.ts";
import { toSources } from "./input-sources.ts";
import type { PipelineReferences } from "./pipeline-references.ts";
import { type PlannedRun, planRun, readPlanningContext } from "./register-run.ts";
import type { Repo } from "./repo.ts";
import { warnOfMissingNotes } from "./resolve-condition.ts";
import type { StagePorts } from "./stage-ports.ts";

/** How a pipeline is submitted. */
export interface PipelineRequest {
  readonly pipeline: Pipeline;
  readonly group: NewGroup;
  /** The operating system's user that may execute it. */
  readonly owner: string;
  /** Between TERM and KILL. */
  readonly graceMs: number;
  /** The pipeline's own file, from the root; `undefined` when it lies elsewhere. */
  readonly file?: string | undefined;
  /** For all its stages, whatever they say. */
  readonly cache?: CacheMode | undefined;
}

/** One run of a pipeline that is to be submitted. */
export interface PipelineRun {
  readonly element: StageElement;
  readonly run: PlannedRun;
  readonly work: StageWork;
  readonly task: NewTask;
}

/** All runs of a pipeline, in the order of its expansion. */
export interface PipelineRuns {
  readonly expansion: Expansion;
  readonly runs: readonly PipelineRun[];
}

/**
 * Works out all runs of a pipeline. The code is captured once, so that all of them execute the same. Nothing is stored
 * but objects of git.
 *
 * @throws {AexpError} what `planRun` and `checkStageEnv` throw, `queue.unknown_lane`, `queue.resource_invalid`, `cli.usage`
 */
export async function planPipelineRuns(
  repo: Repo,
  { code }: Pick<StagePorts, "code">,
  request: PipelineRequest,
  known: { readonly references: PipelineReferences; readonly lanes: readonly Pick<Lane, "name" | "executor">[] },
): Promise<PipelineRuns> {
  const { pipeline } = request;
  const stages = [...pipeline.stages.values()];
  const executors = new Map(stages.map((stage) => [stage.name, executorOf(stage, known.lanes)]));
  warnOfMissingNotes(
    repo,
    stages.flatMap(({ experiment }) => experiment ?? []),
  );
  const expansion = expandPipeline(pipeline);
  // Both wait for git most of their time.
  const [codes, planned] = await Promise.all([
    captureCodes(code, stages, request.file),
    planElements(repo, request, expansion),
  ]);
  const needs = elementNeeds(expansion);
  const edges = Map.groupBy(expansion.edges, ({ to }) => to);
  const runs = planned.map(({ element, stage, run }, place): PipelineRun => {
    const idOf = (index: number): JobId => planned[index]?.run.jobId ?? run.jobId;
    const work: StageWork = {
      pipeline: pipeline.name,
      stage: stage.name,
      label: element.label,
      command: stage.command,
      parameters: parametersOf(run),
      env: stage.env,
      inputs: toSources(stage, edges.get(place) ?? [], { planned, references: known.references }),
      outputs: stage.outputs,
      code: codes.get(codeKey(stage)) ?? { unkeyed: "nobody captured it" },
      container: stage.container,
      salt: stage.cacheSalt,
      cache: request.cache ?? stage.cache,
    };
    const edgesIn = (needs[place] ?? []).map(({ from, condition }): Need => ({ run: idOf(from), condition }));
    const spec = toSpec(repo, stage, work, { needs: edgesIn, graceMs: request.graceMs });
    return {
      element,
      run,
      work,
      task: toTask(repo, request, stage, { run, spec, executor: executors.get(stage.name) }),
    };
  });
  return { expansion, runs };
}

/** What the stage and its element chose, and what a condition of the experiment stands for. */
export function parametersOf({ statePoint }: PlannedRun): ExactObject {
  const parameters = new Map(withoutProvenance(statePoint));
  for (const key of STAGE_KEYS) parameters.delete(key);
  return parameters;
}

interface PlannedElement {
  readonly element: StageElement;
  readonly stage: Stage;
  readonly run: PlannedRun;
}

async function planElements(
  repo: Repo,
  { pipeline, group }: PipelineRequest,
  { elements }: Expansion,
): Promise<readonly PlannedElement[]> {
  const context = await readPlanningContext(repo);
  checkStageEnv([...pipeline.stages.values()], context.leaksOf);
  const planned: PlannedElement[] = [];
  for (const element of elements) {
    const stage = pipeline.stages.get(element.stage);
    if (stage === undefined) throw new Error(`the pipeline has no stage ${element.stage}`);
    const parameters = new Map([
      ...stage.parameters,
      ...element.bindings,
      ["pipeline", pipeline.name],
      ["stage", stage.name],
      ["group", group.id],
    ]);
    const request = {
      experimentId: stage.experiment,
      hypothesisId: stage.hypothesis,
      subHypothesisId: stage.subHypothesis,
      parameters,
    };
    planned.push({ element, stage, run: await planRun(repo, request, context) });
  }
  return planned;
}

/** What executes the runs of a stage. @throws {AexpError} `cli.usage`, `queue.unknown_lane` */
export function executorOf(
  { lane = DEFAULT_LANE, kind = DEFAULT_KIND }: Stage,
  lanes: readonly Pick<Lane, "name" | "executor">[],
): ExecutorKind {
  checkKind(kind);
  return findExecutor(lanes, lane);
}

/** What is executed for a run of a stage, and when. @throws {AexpError} `queue.resource_invalid` */
export function toSpec(repo: Repo, stage: Stage, work: StageWork, own: Pick<TaskSpec, "needs" | "graceMs">): TaskSpec {
  const { command, lane = DEFAULT_LANE, kind = DEFAULT_KIND, priority = 0, timeoutMs, tag, compute } = stage;
  const places = { root: repo.root, home: repo.home, cwd: repo.root };
  return {
    command,
    cwd: ".",
    lane,
    kind,
    priority,
    resources: [...new Set(stage.resources.map((key) => canonicalKey(key, places)))].toSorted(),
    ...own,
    retry: stage.retry ?? DEFAULT_RETRY,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    name: work.label === "" ? stage.name : `${stage.name}[${work.label}]`,
    ...(tag === undefined ? {} : { tag }),
    ...(Object.keys(compute).length === 0 ? {} : { compute: mergeComputeRequests([compute]) }),
    stage: toStageSpec(work),
  };
}

/** The task of a run of a stage. */
export function toTask(
  repo: Repo,
  request: Pick<PipelineRequest, "group" | "owner">,
  stage: Stage,
  {
    run,
    spec,
    executor = "local",
  }: { readonly run: PlannedRun; readonly spec: TaskSpec; readonly executor: ExecutorKind | undefined },
): NewTask {
  return {
    id: run.jobId,
    experimentId: stage.experiment,
    spec,
    caller: request.group.caller,
    owner: request.owner,
    machine: repo.machineLabel,
    // What one stage has written lies where it ran, and the next one must find it.
    target: repo.machineLabel,
    executor,
  };
}
