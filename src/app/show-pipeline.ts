import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";
import { type CriticalPath, findCriticalPath } from "../pipeline/critical-path.ts";
import type { Group, QueueStore } from "../queue/queue-store.ts";
import type { Task, TaskState } from "../queue/task.ts";

/** A submitted pipeline: what became of its stages. */
export interface PipelineGroup {
  readonly group: Group;
  /** In an order in which each comes after those that it waits for. */
  readonly stages: readonly StageProgress[];
  /** All its runs, in the order of submission. */
  readonly tasks: readonly Task[];
  /** The chain of runs that took longest; places are those of `tasks`. */
  readonly criticalPath: CriticalPath | undefined;
}

/** A stage and its runs. */
export interface StageProgress {
  readonly stage: string;
  readonly tasks: readonly Task[];
  readonly counts: Readonly<Partial<Record<TaskState, number>>>;
  /** The stages that it waits for. */
  readonly after: readonly string[];
}

/** What stands for the group of the newest pipeline. */
export const LAST_PIPELINE = "@last";

/** How long a run was executed, in seconds; `undefined` for one that was not, or is not yet. */
export function secondsOf({ state, startedAt, endedAt }: Task): number | undefined {
  if (state === "cached" || startedAt === undefined || endedAt === undefined) return undefined;
  return (endedAt - startedAt) / 1000;
}

/**
 * @param id of its group; `@last` is the pipeline that was submitted last
 * @throws {AexpError} `pipeline.not_found`
 */
export async function showPipeline(store: QueueStore, id: string): Promise<PipelineGroup> {
  if (id === LAST_PIPELINE) {
    const [newest] = await listPipelines(store);
    if (newest !== undefined) return newest;
  }
  const group = await store.group(id);
  if (group === undefined || group.kind !== "pipeline") throw notFound(id, await listPipelines(store));
  return toPipelineGroup(group, await store.tasks({ groupId: id }));
}

/** The pipelines that the queue knows, the newest first. */
export async function listPipelines(store: QueueStore): Promise<readonly PipelineGroup[]> {
  const tasks = (await store.tasks({})).filter(({ spec }) => spec.stage !== undefined);
  const shown: PipelineGroup[] = [];
  for (const [id, own] of Map.groupBy(tasks, ({ groupId }) => groupId)) {
    const group = await store.group(id);
    if (group !== undefined) shown.push(toPipelineGroup(group, own));
  }
  return shown.toSorted((a, b) => b.group.createdAt - a.group.createdAt);
}

function toPipelineGroup(group: Group, tasks: readonly Task[]): PipelineGroup {
  const places = new Map(tasks.map(({ id }, place) => [id, place]));
  const edges = tasks.flatMap(({ spec }, to) =>
    spec.needs.flatMap(({ run }) => {
      const from = places.get(run);
      return from === undefined ? [] : [{ from, to }];
    }),
  );
  const stageOf = (place: number): string => tasks[place]?.spec.stage?.stage ?? "";
  const stages = [...Map.groupBy(tasks, ({ spec }) => spec.stage?.stage ?? "")].map(([stage, own]): StageProgress => {
    const after = edges.filter(({ to }) => stageOf(to) === stage).map(({ from }) => stageOf(from));
    return { stage, tasks: own, counts: countStates(own), after: [...new Set(after)] };
  });
  return { group, stages, tasks, criticalPath: findCriticalPath(tasks.map(secondsOf), edges) };
}

function countStates(tasks: readonly Task[]): StageProgress["counts"] {
  const counts: Partial<Record<TaskState, number>> = {};
  for (const { state } of tasks) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

function notFound(id: string, known: readonly PipelineGroup[]): AexpError {
  const guess = didYouMean(
    id,
    known.map(({ group }) => group.id),
  );
  return new AexpError(`there is no pipeline ${JSON.stringify(id)} in the queue.${guess}`, {
    code: "pipeline.not_found",
    hint: "`aexp pipeline list` shows those that there are.",
  });
}
