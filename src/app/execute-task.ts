import { isUnkeyed } from "../code/code-identity.ts";
import type { Executor } from "../executor/executor.ts";
import type { SupervisedAttempt, Supervisor } from "../executor/supervisor.ts";
import { readStageWork } from "../pipeline/stage-work.ts";
import type { AttemptResult, Claim } from "../queue/queue-store.ts";
import type { Task } from "../queue/task.ts";
import { applyMark } from "./apply-mark.ts";
import { type CodeWatch, describeCodeDifference } from "./code-watch.ts";
import { findAttempt } from "./find-attempt.ts";
import { prepareStage, type StageProgram } from "./prepare-stage.ts";
import type { Repo } from "./repo.ts";
import type { StagePorts } from "./stage-ports.ts";
import { toProgram } from "./to-program.ts";

/** What executes the tasks of a queue. */
export interface WorkPorts extends StagePorts {
  readonly supervisor: Supervisor;
  readonly executor: Executor;
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
  const { task, lease } = claim;
  if (ports.supervisor.hasBegun(task.id, task.attempt)) return await resumeAttempt(repo, ports, claim);
  // A stage executes the code that was captured, wherever the work tree has gone since.
  const code = isCodePinned(task) ? undefined : await options.code.now();
  const codeDifference = code && describeCodeDifference(repo, task.id, code);
  const start = { proc: ports.executor.self, codeDifference };
  await applyMark(repo, ports.store, task.id, { start, durability: "later" });
  if ((await ports.store.task(task.id))?.stop !== undefined) return { state: "stopped", reason: undefined };
  const program = await prepareTask(repo, ports, task);
  if ("state" in program) return program;
  const attempt = await ports.supervisor.start({
    jobId: task.id,
    attempt: task.attempt,
    ...program,
    env: { ...options.env, ...program.env, ...describeTask(claim) },
    codePatch: code?.patch,
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

/** Whether a task executes code that was captured when it was submitted, and not what lies in the work tree. */
export function isCodePinned({ spec }: Task): boolean {
  return spec.stage !== undefined && !isUnkeyed(readStageWork(spec.stage).code);
}

/** What is executed for a task, where, and with which variables of its own. */
export async function prepareTask(
  repo: Repo,
  ports: Pick<StagePorts, "code" | "hasher" | "outputs">,
  task: Task,
): Promise<(Omit<StageProgram, "stage"> & Partial<Pick<StageProgram, "stage">>) | AttemptResult> {
  if (task.spec.stage === undefined) return { ...toProgram(repo, task.spec), env: {} };
  return await prepareStage(repo, ports, task);
}

/** What a program may want to know of its place in the queue. */
export function describeTask({ task, fences }: Claim): Readonly<Record<string, string>> {
  return {
    AEXP_LANE: task.spec.lane,
    AEXP_GROUP: task.groupId,
    ...(Object.keys(fences).length > 0 ? { AEXP_LOCK_FENCES: JSON.stringify(fences) } : {}),
  };
}
