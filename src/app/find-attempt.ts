import type { AttemptEnd } from "../executor/executor.ts";
import { judgeAttempt } from "../executor/judge-attempt.ts";
import type { SupervisedAttempt } from "../executor/supervisor.ts";
import type { AttemptProcess, AttemptResult } from "../queue/queue-store.ts";
import type { Task } from "../queue/task.ts";
import type { ProcessRecord } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";
import { completeResult, recordedSuccess } from "./complete-result.ts";
import type { WorkPorts } from "./execute-task.ts";
import type { Repo } from "./repo.ts";

/** What became of an attempt that began under another worker. */
export type FoundAttempt =
  | { readonly kind: "ended"; readonly result: AttemptResult }
  | { readonly kind: "alive"; readonly program: SupervisedAttempt }
  /** Nobody knows how it would have ended. */
  | { readonly kind: "lost" };

/**
 * Finds out what became of an attempt. If it is lost, what may be left of its program has been ended. The caller must
 * hold the attempt's lease.
 */
export async function findAttempt(repo: Repo, ports: WorkPorts, task: Task): Promise<FoundAttempt> {
  const { supervisor, executor } = ports;
  const { id, attempt, spec } = task;
  const ended = async (result: AttemptResult): Promise<FoundAttempt> => ({
    kind: "ended",
    result: await completeResult(repo, ports, task, result),
  });
  const recorded = executor.recordedEnd(id, attempt);
  // Of a program that was over in a moment its worker may not have told the queue anything.
  if (recorded !== undefined) return await ended(toResult(recorded, repo.attempts.program(id, attempt)));
  const program = supervisor.adopt(id, attempt);
  if (program !== undefined) return { kind: "alive", program };
  const { program: left } = executor.survivors(id, attempt, undefined);
  if (left !== undefined) await executor.killGroup(left, spec.graceMs);
  const result = documentedResult(repo, id, attempt) ?? recordedSuccess(repo, ports, task);
  return result === undefined ? { kind: "lost" } : await ended(result);
}

/** After a power cut the document may know of an end of which the disk has kept nothing else. */
function documentedResult(repo: Repo, id: JobId, attempt: number): AttemptResult | undefined {
  const record = repo.runs.read(id).document.facts.attempts?.find(({ n }) => n === attempt);
  if (record === undefined) return undefined;
  const { status: state, reason, exit_code: exitCode, signal } = record;
  const { code, message = "" } = reason ?? {};
  return {
    state,
    reason: code === undefined ? undefined : { code, message },
    exitCode: exitCode ?? undefined,
    signal: signal ?? undefined,
  };
}

/** What the end of an attempt means for its task. @param program - its process, where it is known */
export function toResult(end: AttemptEnd, program?: ProcessRecord): AttemptResult {
  const { status, reason } = judgeAttempt(end.cause);
  const { exitCode, signal } = end;
  const process = program === undefined ? undefined : toAttemptProcess(program);
  return { state: status, reason, exitCode: exitCode ?? undefined, signal: signal ?? undefined, process };
}

export function toAttemptProcess(program: ProcessRecord): AttemptProcess {
  const { pid, start_fingerprint: startFingerprint, boot_id: bootId } = program;
  return { pid, startFingerprint, bootId };
}
