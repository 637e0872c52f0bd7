import type { AttemptEnd } from "../executor/executor.ts";
import { judgeAttempt } from "../executor/judge-attempt.ts";
import type { SupervisedAttempt } from "../executor/supervisor.ts";
import type { AttemptResult } from "../queue/queue-store.ts";
import type { Task } from "../queue/task.ts";
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
  if (recorded !== undefined) return await ended(toResult(recorded));
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

/** What the end of an attempt means for its task. */
export function toResult(end: AttemptEnd): AttemptResult {
  const { status, reason } = judgeAttempt(end.cause);
  return { state: status, reason, exitCode: end.exitCode ?? undefined, signal: end.signal ?? undefined };
}
