import { type TaskFilter, toQuery } from "../app/list-tasks.ts";
import type { Repo } from "../app/repo.ts";
import { type RunOutcome, resolveTaskIds } from "../app/resolve-task.ts";
import { AexpError } from "../model/errors.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { TaskState } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import { isRestricted } from "./task-filter-flags.ts";

/** What a command was told to be about. */
export interface TargetRequest {
  readonly names: readonly string[];
  readonly filter: TaskFilter;
  readonly isAll: boolean;
}

/** The runs that a command is about, and the names that mean none. */
export interface Targets {
  readonly ids: readonly JobId[];
  readonly failed: readonly RunOutcome<never>[];
}

/**
 * Finds the runs that a command is about: those that are named, or those of a selection in some states.
 *
 * @throws {AexpError} `cli.usage` unless exactly one of the two is given, and what resolving a single name throws
 */
export async function findTargets(
  repo: Repo,
  store: QueueStore | undefined,
  { names, filter, isAll }: TargetRequest,
  states: readonly TaskState[],
): Promise<Targets> {
  const isSelection = isAll || isRestricted(filter);
  if (names.length > 0 === isSelection) {
    throw new AexpError(
      isSelection ? "runs are named, and a selection is given as well" : "no run is named, and no selection is given",
      { code: "cli.usage", hint: "Name runs, or select them with --tag, --experiment, --group, --lane or --all." },
    );
  }
  if (!isSelection) return await resolveTaskIds(repo, store, names);
  const tasks = (await store?.tasks({ ...toQuery(filter), states })) ?? [];
  return { ids: tasks.map(({ id }) => id), failed: [] };
}
