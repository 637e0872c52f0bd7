import type { JobId } from "../run/job-id.ts";

/** Of which attempt a program is part. */
export interface AttemptIdentity {
  readonly jobId: JobId;
  readonly attempt: number;
  readonly workspace: string;
  /** The worker that started it; a program with this variable must not start workers. */
  readonly workerId: string;
}

/** The variables that tell a program who it is, and by which a program is found when nothing else is left of it. */
export function attemptEnvironment(identity: AttemptIdentity): Readonly<Record<string, string>> {
  return {
    AEXP_JOB_ID: identity.jobId,
    AEXP_ATTEMPT: String(identity.attempt),
    AEXP_JOB_WORKSPACE: identity.workspace,
    AEXP_METRICS_FILE: `${identity.workspace}/.aexp/metrics.jsonl`,
    AEXP_WORKER: identity.workerId,
  };
}
