import { AexpError, messageOf } from "../model/errors.ts";
import type { ExactObject } from "../model/exact-json.ts";
import { parseExactObject } from "../model/exact-json-reader.ts";
import { fillTemplate, parseTemplate } from "../queue/command-template.ts";
import { movedTo, type PortableRun } from "../queue/portable-run.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { Task } from "../queue/task.ts";
import { toTemplateValues } from "../queue/template-values.ts";
import { type JobId, toJobId } from "../run/job-id.ts";
import { initialFacts } from "./mark-status.ts";
import { toQueueRecord } from "./queue-record.ts";
import { toRunLink } from "./register-run.ts";
import type { Repo } from "./repo.ts";

/**
 * The task as it is executed here. A run that was submitted on another machine gets its folder on this one, and its
 * command the paths of this one; any other is as it was.
 *
 * @throws {AexpError} `queue.spec_invalid` when what the queue says of the run does not make that run
 */
export async function receiveRun(repo: Repo, store: Pick<QueueStore, "group">, task: Task): Promise<Task> {
  const { portable } = task;
  if (portable === undefined || movedTo(task) !== repo.machineLabel) return task;
  const statePoint = readStatePoint(task.id, portable);
  const workspace = repo.runs.workspaceOf(task.id);
  const values = toTemplateValues({ jobId: task.id, statePoint, workspace });
  const command = fillTemplate(parseTemplate(portable.template), values);
  const received = { ...task, spec: { ...task.spec, command } };
  if (!repo.runs.has(task.id)) await createFolder(repo, store, received, { portable, statePoint });
  return received;
}

async function createFolder(
  repo: Repo,
  store: Pick<QueueStore, "group">,
  task: Task,
  { portable, statePoint }: { readonly portable: PortableRun; readonly statePoint: ExactObject },
): Promise<void> {
  const { hypothesisId, subHypothesisId, isLocalPathAllowed, template } = portable;
  const { experimentId, caller, owner, executor, spec } = task;
  const group = await store.group(task.groupId);
  const record = toQueueRecord(
    // A lost database is made again from this: the run belongs to the machine that has its folder.
    { id: task.id, experimentId, spec, caller, owner, executor, machine: repo.machineLabel, target: repo.machineLabel },
    { id: task.groupId, kind: group?.kind ?? "batch", name: group?.name ?? "", caller },
    { nowMs: task.createdAt, override: typeof template === "string" ? template : undefined, position: task.seq },
  );
  await repo.runs.create(statePoint, {
    ...(experimentId === undefined ? {} : { aexp: toRunLink(repo, experimentId, { hypothesisId, subHypothesisId }) }),
    ...initialFacts(repo, "queued"),
    queue: record,
    local_path_allowed: isLocalPathAllowed ? true : undefined,
  });
}

function readStatePoint(id: JobId, { statePoint: text }: PortableRun): ExactObject {
  let statePoint: ExactObject;
  try {
    statePoint = parseExactObject(text);
  } catch (error) {
    return refuse(id, messageOf(error));
  }
  return toJobId(statePoint) === id ? statePoint : refuse(id, `it makes run ${toJobId(statePoint)}`);
}

function refuse(id: JobId, problem: string): never {
  throw new AexpError(`The queue's state point of run ${id} cannot be used: ${problem}`, {
    code: "queue.spec_invalid",
    hint: "Queue the run again with `aexp queue add`.",
  });
}
