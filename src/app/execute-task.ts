import type { AttemptSpec, Executor } from "../executor/executor.ts";
import type { SupervisedAttempt, Supervisor } from "../executor/supervisor.ts";
import type { AttemptResult, Claim, QueueStore } from "../queue/queue-store.ts";
import type { Checkouts } from "../git/checkouts.ts";
import type { Task } from "../queue/task.ts";
import { parameterAt } from "../run/parameters.ts";
import { applyMark } from "./apply-mark.ts";
import { type CodeWatch, describeCodeDifference } from "./code-watch.ts";
import { findAttempt } from "./find-attempt.ts";
import { receiveRun } from "./receive-run.ts";
import type { Repo } from "./repo.ts";

/** What executes the tasks of a queue. */
export interface WorkPorts {
  readonly store: QueueStore;
  readonly supervisor: Supervisor;
  readonly executor: Executor;
  /** Work trees of single commits, where runs are executed in such. */
  readonly checkouts?: Checkouts | undefined;
}

/** How attempts of a worker are started. */
export interface StartOptions {
  readonly code: CodeWatch;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly heartbeatMs: number;
}

/**
 * Starts the attempt that a claim gives the right to. The document says that it runs before its command begins, and is
 * not written again before it has ended.
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
  const { lease } = claim;
  const task = await receiveRun(repo, ports.store, claim.task);
  if (ports.supervisor.hasBegun(task.id, task.attempt)) return await resumeAttempt(repo, ports, claim);
  const { root, codeDifference, codePatch } = await prepareCode(repo, ports, task, options.code);
  const start = { proc: ports.executor.self, codeDifference };
  await applyMark(repo, ports.store, task.id, { start, durability: "later" });
  if ((await ports.store.task(task.id))?.stop !== undefined) return { state: "stopped", reason: undefined };
  const attempt = await ports.supervisor.start({
    jobId: task.id,
    attempt: task.attempt,
    ...toProgram({ root }, task),
    env: { ...options.env, ...describeTask(claim) },
    codePatch,
    timeoutMs: task.spec.timeoutMs,
    heartbeatMs: options.heartbeatMs,
    graceMs: task.spec.graceMs,
  });
  if (attempt.process !== undefined) {
    const { pid, start_fingerprint: startFingerprint, boot_id: bootId } = attempt.process;
    const isOurs = await ports.store.recordProcess(task.id, lease.token, { pid, startFingerprint, bootId });
    if (!isOurs) attempt.stop("kill");
  }
  return attempt;
}

/** With which code an attempt begins, and where that is. */
export interface PreparedCode {
  /** What takes the place of the repository's root. */
  readonly root: string;
  /** How it differs from the code that was queued. */
  readonly codeDifference: string | undefined;
  readonly codePatch: Uint8Array | undefined;
}

/** The work tree as it is; or, where that is asked for, one that holds the commit of the run and nothing else. */
export async function prepareCode(
  repo: Repo,
  { checkouts }: Pick<WorkPorts, "checkouts">,
  task: Task,
  watch: CodeWatch,
): Promise<PreparedCode> {
  const commit = checkouts === undefined ? undefined : (task.commit ?? cleanCommit(repo, task));
  if (checkouts !== undefined && commit !== undefined) {
    return { root: await checkouts.open(commit), codeDifference: undefined, codePatch: undefined };
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

/** What is executed for a task, and where. */
export function toProgram({ root }: { readonly root: string }, { spec }: Task): Pick<AttemptSpec, "argv" | "cwd"> {
  const { command, cwd } = spec;
  return {
    argv: typeof command === "string" ? ["/bin/sh", "-c", command] : command,
    cwd: cwd === "" || cwd === "." ? root : `${root}/${cwd}`,
  };
}

/** What a program may want to know of its place in the queue. */
export function describeTask({ task, fences }: Claim): Readonly<Record<string, string>> {
  return {
    AEXP_LANE: task.spec.lane,
    AEXP_GROUP: task.groupId,
    ...(Object.keys(fences).length > 0 ? { AEXP_LOCK_FENCES: JSON.stringify(fences) } : {}),
  };
}
