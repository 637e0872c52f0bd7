import { toInstant } from "../model/clock.ts";
import { type JsonObject, withoutUndefined } from "../model/json.ts";
import type { NewGroup, NewTask } from "../queue/queue-store.ts";
import type { TaskSpec } from "../queue/task.ts";

/**
 * What a run's document says under `queue` once it is queued: the whole spec and who queued it, so that a lost database
 * can be made again from the documents.
 *
 * @param options.override the command template that was given instead of the experiment's own
 * @param options.position its place among the runs that are queued together
 */
export function toQueueRecord(
  task: NewTask,
  group: NewGroup,
  options: { readonly nowMs: number; readonly override: string | undefined; readonly position: number },
): JsonObject {
  const { spec } = task;
  return withoutUndefined({
    queued_at: toInstant(options.nowMs),
    tag: spec.tag,
    lane: spec.lane,
    priority: spec.priority,
    group: group.id,
    runner_command_override: options.override,
    spec: toSpecValue(spec),
    origin: withoutUndefined({
      group_kind: group.kind,
      group_name: group.name,
      caller: task.caller,
      owner: task.owner,
      machine: task.machine,
      // Only here can a lost database be made again from this.
      target: task.target ?? (task.commit === undefined ? undefined : task.machine),
      executor: task.executor,
      position: options.position,
    }),
  });
}

/** A spec as JSON; `parseTaskSpec` reads it back. */
function toSpecValue(spec: TaskSpec): JsonObject {
  const { needs, resources, retry, command, compute, ...plain } = spec;
  return withoutUndefined({
    ...plain,
    command: typeof command === "string" ? command : [...command],
    needs: needs.map(({ run, condition }) => ({ run, condition })),
    resources: [...resources],
    retry: { ...retry, on: [...retry.on] },
    compute:
      compute === undefined
        ? undefined
        : withoutUndefined({ ...compute, sbatch: compute.sbatch && [...compute.sbatch] }),
  });
}
