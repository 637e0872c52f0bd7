import { setTimeout as sleep } from "node:timers/promises";

import type { Executor } from "../executor/executor.ts";
import { AexpError } from "../model/errors.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import { isTerminalState, type StopMode, type Task, type TaskReason, toRunStatus } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import { deliverOutbox } from "./deliver-outbox.ts";
import type { Repo } from "./repo.ts";
import { notQueued, type RunOutcome, toFailure } from "./resolve-task.ts";
import { stopUnqueuedRun } from "./stop-run.ts";

/** What stopping needs. The store is absent where nothing was ever queued. */
export interface StopPorts {
  readonly store: QueueStore | undefined;
  readonly executor: Executor;
  /** Cancels the jobs of runs that a scheduler has. @returns why that could not be done now */
  readonly cancelJobs?: (store: QueueStore, ids: readonly JobId[]) => Promise<string | undefined>;
}

/** How runs are stopped. */
export interface StopOptions {
  readonly mode: StopMode;
  /** Waits so long for their end, then has them killed. Without it nobody waits. */
  readonly graceMs: number | undefined;
}

/**
 * What became of a run that was to be stopped: it waited and never will run; its worker was asked; it has stopped; it
 * had ended before.
 */
export type StoppedRun = RunOutcome<"abandoned" | "requested" | "stopped" | "ended">;

/** Who asked for it. */
const STOPPED_BY_OPERATOR: TaskReason = { code: "operator_stop", message: "stopped with `aexp queue stop`" };

const POLL_MS = 100;
/** A worker looks for requests several times a second, and a killed program is gone at once. */
const KILL_PATIENCE_MS = 5000;

/**
 * Stops runs: those that wait are abandoned, those under way are asked to stop by whoever executes them. One that cannot
 * be stopped does not keep the others from it.
 */
export async function stopTasks(
  repo: Repo,
  ports: StopPorts,
  ids: readonly JobId[],
  options: StopOptions,
): Promise<readonly StoppedRun[]> {
  const { store } = ports;
  const known = store === undefined ? [] : await store.requestStop(ids, options.mode, STOPPED_BY_OPERATOR);
  const outcomes = new Map<JobId, StoppedRun>();
  for (const { id, outcome } of known) {
    if (outcome !== "ended") outcomes.set(id, { run: id, outcome });
  }
  const asked = known.flatMap(({ id, outcome }) => (outcome === "requested" ? [id] : []));
  if (store !== undefined && asked.length > 0) {
    const problem = await ports.cancelJobs?.(store, asked);
    if (problem !== undefined) repo.warn(`jobs are not cancelled yet: ${problem}`);
  }
  if (store !== undefined) await deliverOutbox(repo, store);
  for (const id of ids) {
    if (outcomes.has(id)) continue;
    outcomes.set(id, await stopOutside(repo, ports, id, options, ids.length === 1));
  }
  if (store !== undefined) await followRequests(repo, store, outcomes, options);
  return ids.flatMap((id) => outcomes.get(id) ?? []);
}

/** Runs that the queue knows nothing of, or nothing new: `aexp run` may execute them. */
async function stopOutside(
  repo: Repo,
  { store, executor }: StopPorts,
  id: JobId,
  options: StopOptions,
  isOnly: boolean,
): Promise<StoppedRun> {
  const task = await store?.task(id);
  try {
    const isElsewhere = task !== undefined && !repo.runs.has(id);
    const outcome = isElsewhere
      ? "ended"
      : await stopUnqueuedRun(repo, executor, id, { ...options, queuedAttempt: task?.attempt });
    if (outcome === "stopped") return { run: id, outcome };
    if (outcome === "idle" && task === undefined) throw notQueued(repo, id);
    const status = task === undefined ? repo.runs.read(id).document.facts.status : toRunStatus(task.state);
    return { run: id, outcome: "ended", note: `it is ${status ?? "over"} already; nothing was changed` };
  } catch (error) {
    if (!(error instanceof AexpError) || isOnly) throw error;
    return toFailure(id, error);
  }
}

/** Waits for the end of what was asked to stop, as long as the user wants, and says what may keep it from ending. */
async function followRequests(
  repo: Repo,
  store: QueueStore,
  outcomes: Map<JobId, StoppedRun>,
  { mode, graceMs }: StopOptions,
): Promise<void> {
  const asked = [...outcomes].flatMap(([id, { outcome }]) => (outcome === "requested" ? [id] : []));
  const readOpen = async (): Promise<readonly Task[]> =>
    (await store.tasks({ ids: asked })).filter(({ state }) => !isTerminalState(state));
  let open = asked.length === 0 ? [] : await readOpen();
  if (graceMs !== undefined && open.length > 0) {
    open = await waitForEnd(readOpen, graceMs);
    if (open.length > 0 && mode !== "kill") {
      await store.requestStop(
        open.map(({ id }) => id),
        "kill",
        STOPPED_BY_OPERATOR,
      );
    }
    if (open.length > 0) open = await waitForEnd(readOpen, KILL_PATIENCE_MS);
    await deliverOutbox(repo, store);
  }
  const now = await store.now();
  for (const task of asked.length === 0 ? [] : await store.tasks({ ids: asked })) {
    outcomes.set(task.id, await describeAsked(repo, store, task, now));
  }
}

async function describeAsked(repo: Repo, store: QueueStore, task: Task, now: number): Promise<StoppedRun> {
  const run = task.id;
  if (task.state === "stopped") return { run, outcome: "stopped" };
  if (isTerminalState(task.state)) {
    return { run, outcome: "ended", note: `it became ${toRunStatus(task.state)} before it could be stopped` };
  }
  const note = await noteOn(repo, store, task, now);
  return { run, outcome: "requested", ...(note === undefined ? {} : { note }) };
}

async function waitForEnd(readOpen: () => Promise<readonly Task[]>, patienceMs: number): Promise<readonly Task[]> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const open = await readOpen();
    if (open.length === 0 || performance.now() >= deadline) return open;
    await sleep(POLL_MS);
  }
}

async function noteOn(
  repo: Repo,
  store: QueueStore,
  { id, lease, executor }: Task,
  now: number,
): Promise<string | undefined> {
  const machine = (await store.attempts(id)).at(-1)?.machine;
  const isElsewhere = machine !== undefined && machine !== repo.machineLabel;
  if (isElsewhere) return `its ${executor === "slurm" ? "agent" : "worker"} on ${machine} will obey`;
  if (executor === "slurm") return "its job is cancelled; the agent, or `aexp slurm reconcile`, records its end";
  if (lease !== undefined && lease.expiresAt < now) {
    return "its worker is gone; the next worker, or `aexp queue recover`, settles it";
  }
  return undefined;
}
