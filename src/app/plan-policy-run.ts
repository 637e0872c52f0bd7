import { hash } from "node:crypto";

import type { CodeIdentity, UnkeyedCode } from "../code/code-identity.ts";
import type { Exact, ExactObject } from "../model/exact-json.ts";
import type { Stage } from "../pipeline/pipeline.ts";
import { asksFor, type Policy, POLICY_INPUT, POLICY_ITEM } from "../pipeline/policy.ts";
import { readStageWork, type StageTrigger, type StageWork } from "../pipeline/stage-work.ts";
import type { Lane } from "../queue/lane.ts";
import type { SeenOutput } from "../queue/policy.ts";
import type { NewGroup, NewTask } from "../queue/queue-store.ts";
import type { Task } from "../queue/task.ts";
import { toGroupId } from "./group-id.ts";
import { executorOf, parametersOf, toSpec, toTask } from "./pipeline-runs.ts";
import { type PlannedRun, planRun, type PlanningContext, readPlanningContext } from "./register-run.ts";
import type { Repo } from "./repo.ts";
import type { StagePorts } from "./stage-ports.ts";

/** A run that a policy submits for an output. */
export interface PolicyRun {
  readonly group: NewGroup;
  readonly run: PlannedRun;
  readonly work: StageWork;
  readonly task: NewTask;
}

/** What runs that are submitted at one time share, read when it is needed. */
export class PlanningTurn {
  readonly #repo: Repo;
  readonly #ports: Pick<StagePorts, "code" | "store">;
  readonly #codes = new Map<string, Promise<CodeIdentity | UnkeyedCode>>();
  #context: Promise<PlanningContext> | undefined;
  #lanes: Promise<readonly Lane[]> | undefined;

  constructor(repo: Repo, ports: Pick<StagePorts, "code" | "store">) {
    this.#repo = repo;
    this.#ports = ports;
  }

  async context(): Promise<PlanningContext> {
    this.#context ??= readPlanningContext(this.#repo);
    return await this.#context;
  }

  async lanes(): Promise<readonly Lane[]> {
    this.#lanes ??= this.#ports.store.lanes();
    return await this.#lanes;
  }

  /** Some files of the work tree, as they are now. */
  async codeOf(paths: readonly string[]): Promise<CodeIdentity | UnkeyedCode> {
    const key = JSON.stringify(paths);
    const code = this.#codes.get(key) ?? this.#ports.code.captureCode({ paths });
    this.#codes.set(key, code);
    return await code;
  }
}

/** The run that wrote an output, and by what policies that was brought about. */
interface Source {
  readonly task: Task;
  readonly work: StageWork;
  readonly chain: readonly string[];
}

/**
 * Works out the run that a policy wants for an output. The same output always gives the same run, so that one which was
 * half submitted is found again. It executes the code of the run that wrote the output, unless the policy says which
 * files count: those are taken as they are now.
 *
 * @param caller who asked for it; without one it is who asked for the run that wrote the output
 * @throws {AexpError} `queue.spec_invalid`, `queue.unknown_lane`, `queue.resource_invalid`, `cli.usage`, and what `planRun` throws
 */
export async function planPolicyRun(
  repo: Repo,
  turn: PlanningTurn,
  policy: Policy,
  { output, task, caller }: { readonly output: SeenOutput; readonly task: Task; readonly caller: string | undefined },
): Promise<PolicyRun> {
  const { spec } = task;
  if (spec.stage === undefined) throw new Error(`run ${task.id} is no stage`);
  const work = readStageWork(spec.stage);
  const source: Source = { task, work, chain: [...(work.trigger?.chain ?? []), policy.name] };
  const stage = inheritFrom(repo, source, policy.stage);
  const group: NewGroup = {
    id: groupIdOf(policy.name, task.groupId),
    kind: "pipeline",
    name: [work.pipeline, ...source.chain].join("/"),
    caller: caller ?? task.caller,
  };
  const executor = executorOf(stage, await turn.lanes());
  const trigger = toTrigger(source, output, policy.name);
  const run = await planRun(
    repo,
    {
      experimentId: stage.experiment,
      hypothesisId: stage.hypothesis,
      subHypothesisId: stage.subHypothesis,
      parameters: toParameters(stage, source, { trigger, groupId: group.id }),
    },
    await turn.context(),
  );
  const code = stage.codePaths === undefined ? work.code : await turn.codeOf(stage.codePaths);
  const own = toWork(stage, source, { trigger, run, code });
  const wanted = toSpec(repo, stage, own, { needs: [], graceMs: spec.graceMs });
  return {
    group,
    run,
    work: own,
    task: toTask(repo, { group, owner: task.owner }, stage, { run, spec: wanted, executor }),
  };
}

/** A policy belongs to what its source belongs to, unless it says otherwise; a hypothesis is one of an experiment. */
function inheritFrom(repo: Repo, { task }: Source, stage: Stage): Stage {
  if (stage.experiment !== undefined || task.experimentId === undefined) return stage;
  const link = repo.runs.has(task.id) ? repo.runs.read(task.id).document.facts.aexp : undefined;
  const hypothesis = stage.hypothesis ?? link?.hypothesis_id ?? undefined;
  const subHypothesis = stage.subHypothesis ?? link?.sub_hypothesis_id ?? undefined;
  return {
    ...stage,
    experiment: task.experimentId,
    ...(hypothesis !== undefined && { hypothesis }),
    ...(subHypothesis !== undefined && { subHypothesis }),
  };
}

/** The runs of one policy for one submission of a pipeline are one group. */
function groupIdOf(policy: string, sourceGroup: string): string {
  return toGroupId(hash("sha256", JSON.stringify([policy, sourceGroup])));
}

function toTrigger({ chain }: Source, { source, output, item, digest }: SeenOutput, policy: string): StageTrigger {
  return { policy, run: source, output, item: item === "" ? undefined : item, digest, chain };
}

function toParameters(
  stage: Stage,
  { work }: Source,
  { trigger, groupId }: { readonly trigger: StageTrigger; readonly groupId: string },
): ExactObject {
  const { policy, run, output, item, digest } = trigger;
  return new Map<string, Exact>([
    ...stage.parameters,
    // Only a command that asks for the name may give something else under another one.
    ...(asksFor(stage, POLICY_ITEM) ? [[POLICY_ITEM, item ?? output] as const] : []),
    ["pipeline", work.pipeline],
    ["stage", stage.name],
    ["group", groupId],
    [
      "triggered_by",
      new Map([
        ["policy", policy],
        ["run", run],
        ["output", output],
        ...(item === undefined ? [] : [["item", item] as const]),
        ["digest", digest],
      ]),
    ],
  ]);
}

function toWork(
  stage: Stage,
  { work }: Source,
  own: { readonly trigger: StageTrigger; readonly run: PlannedRun; readonly code: StageWork["code"] },
): StageWork {
  const { trigger } = own;
  const { run, output, item, digest } = trigger;
  return {
    pipeline: work.pipeline,
    stage: stage.name,
    label: [work.label, item ?? ""].filter((part) => part !== "").join(" "),
    command: stage.command,
    parameters: parametersOf(own.run),
    env: stage.env,
    inputs: [{ kind: "run", name: POLICY_INPUT, run, output, item, digest }],
    outputs: stage.outputs,
    code: own.code,
    container: stage.container,
    salt: stage.cacheSalt,
    cache: stage.cache,
    trigger,
  };
}
