import { isUnkeyed, type TreeId } from "../code/code-identity.ts";
import type { Executor } from "../executor/executor.ts";
import type { SupervisedAttempt, Supervisor } from "../executor/supervisor.ts";
import type { WorkTrees } from "../git/work-trees.ts";
import { readStageWork } from "../pipeline/stage-work.ts";
import type { AttemptResult, Claim } from "../queue/queue-store.ts";
import type { Task } from "../queue/task.ts";
import { parameterAt } from "../run/parameters.ts";
import { applyMark } from "./apply-mark.ts";
import { type CodeWatch, describeCodeDifference } from "./code-watch.ts";
import { findAttempt } from "./find-attempt.ts";
import { prepareStage, type StageProgram } from "./prepare-stage.ts";
import { receiveRun } from "./receive-run.ts";
import type { Repo } from "./repo.ts";
import type { StagePorts } from "./stage-ports.ts";
import { toProgram } from "./to-program.ts";

/** What executes the tasks of a queue. */
export interface WorkPorts extends StagePorts {
  readonly supervisor: Supervisor;
  readonly executor: Executor;
  /** Work trees of single commits, where runs are executed in such. */
  readonly workTrees?: WorkTrees | undefined;
}

/** How attempts of a worker are started. */
export interface StartOptions {
  readonly code: CodeWatch;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly heartbeatMs: number;
}

/**
 * Starts the attempt that a claim gives the right to. While its process is made, its document is written: that says that
 * the run is running before its command begins, and is not written again before it has ended.
 *
 * A power cut can make the store forget what it committed last. An attempt of the same number that has begun already is
 * not executed again: what became of it counts.
 *
 * @returns its result when nothing was started: somebody asked for its end before it began, or it ended long ago
 */
export async function startTask(
  repo: Repo,
  ports: WorkPorts,
  claim: Claim,
  options: StartOptions,
): Promise<SupervisedAttempt | AttemptResult> {
  const task = await receiveRun(repo, ports.store, claim.task);
  if (ports.supervisor.hasBegun(task.id, task.attempt)) return await resumeAttempt(repo, ports, claim);
  const { root, codeDifference, codePatch } = await prepareCode(repo, ports, task, options.code);
  const start = { proc: ports.executor.self, codeDifference };
  /** @returns whether the attempt is still wanted of us, when the document says that it runs */
  const mark = async (): Promise<boolean> => {
    const current = await applyMark(repo, ports.store, task.id, { start, durability: "later" });
    return current?.stop === undefined && current?.lease?.token === claim.lease.token;
  };
  const isStage = task.spec.stage !== undefined;
  // What a stage reads is looked at before it begins, which may take long.
  if (isStage && !(await mark())) return NOT_WANTED;
  const program = await prepareTask(repo, ports, task, root);
  if ("state" in program) return program;
  const spec = {
    jobId: task.id,
    attempt: task.attempt,
    ...program,
    env: { ...options.env, ...program.env, ...describeTask(claim) },
    codePatch,
    timeoutMs: task.spec.timeoutMs,
    heartbeatMs: options.heartbeatMs,
    graceMs: task.spec.graceMs,
  };
  if (isStage) return await ports.supervisor.start(spec);
  // Not before the order is under way, so that both go on at the same time.
  const isWanted = Promise.resolve().then(mark);
  const attempt = await ports.supervisor.start(spec, isWanted);
  return (await isWanted) ? attempt : NOT_WANTED;
}

/** Somebody asked for its end before it began, or it is somebody else's by now. */
const NOT_WANTED: AttemptResult = { state: "stopped", reason: undefined };

/** With which code an attempt begins, and where that is. */
export interface PreparedCode {
  /** What takes the place of the repository's root. */
  readonly root: string;
  /** How it differs from the code that was queued. */
  readonly codeDifference: string | undefined;
  readonly codePatch: Uint8Array | undefined;
}

/**
 * The work tree as it is; or, where that is asked for, one that holds the commit of the run and nothing else. A stage
 * executes the code that was captured when it was submitted, wherever the work tree has gone since; what nobody could
 * capture, it executes where it lies.
 *
 * @throws {AexpError} what opening a checkout or a work tree throws
 */
export async function prepareCode(
  repo: Repo,
  ports: Pick<WorkPorts, "workTrees" | "code">,
  task: Task,
  watch: CodeWatch,
): Promise<PreparedCode> {
  const tree = treeOf(task);
  if (tree !== undefined) {
    return { root: await ports.code.openCheckout(tree), codeDifference: undefined, codePatch: undefined };
  }
  const workTrees = task.spec.stage === undefined ? ports.workTrees : undefined;
  const commit = workTrees === undefined ? undefined : (task.commit ?? cleanCommit(repo, task));
  if (workTrees !== undefined && commit !== undefined) {
    return { root: await workTrees.open(commit), codeDifference: undefined, codePatch: undefined };
  }
  const code = await watch.now();
  return { root: repo.root, codeDifference: describeCodeDifference(repo, task.id, code), codePatch: code.patch };
}

/** The commit of a run whose code was committed when it was queued. */
export function cleanCommit(repo: Pick<Repo, "runs">, { id }: Pick<Task, "id">): string | undefined {
  const { statePoint } = repo.runs.read(id);
  const commit = parameterAt(statePoint, "code_commit");
  const isClean = parameterAt(statePoint, "code_dirty") === false;
  return isClean && typeof commit === "string" && commit !== "" ? commit : undefined;
}

async function resumeAttempt(
  repo: Repo,
  ports: WorkPorts,
  { task }: Claim,
): Promise<SupervisedAttempt | AttemptResult> {
  const found = await findAttempt(repo, ports, task);
  switch (found.kind) {
    case "ended":
      return found.result;
    case "alive":
      return found.program;
    case "lost":
      return { state: "failed", reason: { code: "lost", message: "nobody knows how it would have ended" } };
  }
}

/** The code that a stage was keyed with. */
function treeOf({ spec: { stage } }: Task): TreeId | undefined {
  if (stage === undefined) return undefined;
  const { code } = readStageWork(stage);
  return isUnkeyed(code) ? undefined : code.tree;
}

/** What is executed for a task, where, and with which variables of its own. */
export type TaskProgram = Omit<StageProgram, "stage"> & Partial<Pick<StageProgram, "stage">>;

/**
 * Fills in what an attempt of a task needs.
 *
 * @param root - where its code is; see {@link prepareCode}
 * @returns its end, when it is a stage that cannot begin any more
 * @throws {AexpError} what `prepareStage` throws
 */
export async function prepareTask(
  repo: Repo,
  ports: Pick<StagePorts, "hasher" | "outputs">,
  task: Task,
  root: string,
): Promise<TaskProgram | AttemptResult> {
  if (task.spec.stage !== undefined) return await prepareStage(repo, ports, task, root);
  return { ...toProgram({ root }, task.spec), env: {} };
}

/** What a program may want to know of its place in the queue. */
export function describeTask({ task, fences }: Claim): Readonly<Record<string, string>> {
  return {
    AEXP_LANE: task.spec.lane,
    AEXP_GROUP: task.groupId,
    ...(Object.keys(fences).length > 0 ? { AEXP_LOCK_FENCES: JSON.stringify(fences) } : {}),
  };
}
