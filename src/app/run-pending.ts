import { AexpError } from "../model/errors.ts";
import { parsePools } from "../queue/pool.ts";
import type { NewTask, QueueStore } from "../queue/queue-store.ts";
import { ACTIVE_STATES, isTerminalState, PENDING_STATES, type Task, toRunStatus } from "../queue/task.ts";
import { isSuccess } from "../queue/transitions.ts";
import type { JobId } from "../run/job-id.ts";
import { deliverMarks } from "./deliver-outbox.ts";
import type { WorkPorts } from "./execute-task.ts";
import type { Repo } from "./repo.ts";
import { resolveStages } from "./resolve-stages.ts";
import type { WorkEvent, WorkSummary } from "./work-events.ts";
import type { WorkOptions } from "./work-options.ts";
import { work } from "./work.ts";

/** Which pending runs. What is absent does not restrict. */
export interface PendingSelection {
  readonly tag?: string | undefined;
  readonly experimentId?: string | undefined;
  readonly lane?: string | undefined;
}

/** What {@link work} is told by both ways of running without a worker. */
export type SessionOptions = Omit<
  WorkOptions,
  "pools" | "lanes" | "ids" | "isUntilEmpty" | "isFailureFinal" | "drainMs"
>;

/** Executes the pending runs of a selection here, so many at a time, until none is left that could start. */
export async function runPending(
  repo: Repo,
  ports: WorkPorts,
  selection: PendingSelection,
  options: SessionOptions & { readonly jobs: number; readonly isFailureFinal: boolean },
): Promise<WorkSummary> {
  const { jobs, ...session } = options;
  const ids = (await findPending(ports.store, selection)).map(({ id }) => id);
  return await work(repo, ports, {
    ...session,
    pools: parsePools(`*=${jobs}`),
    ids,
    isUntilEmpty: true,
    drainMs: 0,
  });
}

async function findPending(store: QueueStore, selection: PendingSelection): Promise<readonly Task[]> {
  const { tag, experimentId, lane } = selection;
  const tasks = await store.tasks({
    states: PENDING_STATES,
    ...(tag === undefined ? {} : { tag }),
    ...(experimentId === undefined ? {} : { experimentId }),
    ...(lane === undefined ? {} : { lane }),
  });
  return tasks.toSorted((a, b) => a.seq - b.seq);
}

/**
 * The order of a selection under a name: made at the first call and the same ever after, however many of its runs have
 * ended since. So the elements of an array of jobs, each of which starts at its own time, share out the runs.
 *
 * @throws {AexpError} `queue.nothing_pending` when the order is new and would be empty
 */
export async function freezeOrder(
  store: QueueStore,
  name: string,
  selection: PendingSelection,
): Promise<readonly JobId[]> {
  const pending = await findPending(store, selection);
  const order = await store.freeze(
    name,
    pending.map(({ id }) => id),
  );
  if (order.length > 0) return order;
  throw new AexpError(`the order ${JSON.stringify(name)} has no runs: none was pending when it was made`, {
    code: "queue.nothing_pending",
    hint: "See what is queued with `aexp queue list`; another name makes another order.",
  });
}

/** The run at a place of a frozen order, counted from 0. @throws {AexpError} `cli.usage` */
export function runAt(order: readonly JobId[], index: number, name: string): JobId {
  const id = order[index];
  if (id !== undefined) return id;
  throw new AexpError(`the order ${JSON.stringify(name)} has ${order.length} runs, and none at index ${index}`, {
    code: "cli.usage",
    hint: `Indices go from 0 to ${order.length - 1}.`,
  });
}

/** What came of executing one run. */
export type RunOneOutcome =
  | { readonly kind: "ended_before"; readonly task: Task }
  | { readonly kind: "executed"; readonly end: Extract<WorkEvent, { kind: "ended" }>; readonly summary: WorkSummary }
  /** It was given back, or taken away, before it ended. */
  | { readonly kind: "unfinished"; readonly summary: WorkSummary };

/**
 * Executes one run of the queue here, its retries included. A run that has ended is left alone, unless it is forced:
 * then it begins another attempt.
 *
 * @throws {AexpError} `queue.not_queued`, `run.busy` when another process executes it, `queue.waits` when it cannot start
 */
export async function runOne(
  repo: Repo,
  ports: WorkPorts,
  id: JobId,
  options: SessionOptions & { readonly isForced: boolean },
): Promise<RunOneOutcome> {
  const { isForced, observe, ...session } = options;
  const task = await requireTask(ports.store, id);
  if (isTerminalState(task.state)) {
    if (!isForced) return { kind: "ended_before", task };
    await queueAgain(ports.store, task);
    await deliverMarks(repo, ports.store);
  } else if (ACTIVE_STATES.some((state) => state === task.state)) throw busy(task);
  if (task.executor === "slurm") throw waits(task, "SLURM executes it, and `aexp slurm reconcile` submits it");
  if (task.spec.stage !== undefined) {
    await resolveStages(repo, ports);
    await deliverMarks(repo, ports.store);
  }
  const now = await requireTask(ports.store, id);
  if (isTerminalState(now.state)) return { kind: "ended_before", task: now };
  await refuseWaiting(ports.store, id);
  let end: Extract<WorkEvent, { kind: "ended" }> | undefined;
  const summary = await work(repo, ports, {
    ...session,
    pools: parsePools("*=1"),
    ids: [id],
    isUntilEmpty: true,
    drainMs: 0,
    observe: (event) => {
      if (event.kind === "ended") end = event;
      observe(event);
    },
  });
  if (end !== undefined && isTerminalState(end.state)) return { kind: "executed", end, summary };
  if (summary.waiting > 0) throw waits(await requireTask(ports.store, id), "its lane is paused or has no slots");
  return { kind: "unfinished", summary };
}

async function requireTask(store: QueueStore, id: JobId): Promise<Task> {
  const task = await store.task(id);
  if (task !== undefined) return task;
  throw new AexpError(`run ${id} is not in the queue`, {
    code: "queue.not_queued",
    hint: "Queue it with `aexp queue add`; after the loss of a database, `aexp queue recover --rebuild` brings runs back.",
  });
}

/** A success is queued again only like this; other ends by a retry. */
async function queueAgain(store: QueueStore, task: Task): Promise<void> {
  if (!isSuccess(task.state)) {
    await store.retry([task.id]);
    return;
  }
  const group = await store.group(task.groupId);
  const { id, experimentId, spec, caller, owner, machine, target, executor, groupId } = task;
  const again: NewTask = {
    id,
    experimentId,
    // Another run may have the result of a stage, and this one is to be executed all the same.
    spec: spec.stage?.["cache"] === "on" ? { ...spec, stage: { ...spec.stage, cache: "refresh" } } : spec,
    caller,
    owner,
    machine,
    executor,
    force: true,
    ...(target === undefined ? {} : { target }),
  };
  await store.submit({ id: groupId, kind: group?.kind ?? "batch", name: group?.name ?? "", caller }, [again]);
}

async function refuseWaiting(store: QueueStore, id: JobId): Promise<void> {
  const task = await requireTask(store, id);
  if (task.state !== "blocked") return;
  if (task.follows !== undefined) throw waits(task, `run ${task.follows.slice(0, 8)} computes the same`);
  const open = (await store.needs(id)).filter(({ state }) => !isTerminalState(state));
  const names = open.slice(0, 5).map(({ run, state }) => `${run.slice(0, 8)} (${toRunStatus(state)})`);
  throw waits(task, `it needs ${names.join(", ")}${open.length > names.length ? " and others" : ""}`);
}

function waits({ id }: Task, why: string): AexpError {
  return new AexpError(`run ${id} cannot start yet: ${why}`, {
    code: "queue.waits",
    hint: `\`aexp why ${id.slice(0, 8)}\` tells what it waits for.`,
  });
}

function busy({ id, lease }: Task): AexpError {
  return new AexpError(`run ${id} is being executed by worker ${lease?.workerId ?? "of a scheduler"}`, {
    code: "run.busy",
    hint: `Wait for its end, or stop it with \`aexp queue stop ${id.slice(0, 8)}\`.`,
  });
}
