import type { TaskReason, TaskState } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";

/** What somebody who looks after a scheduler's jobs tells while it does. */
export type BatchEvent =
  | {
      readonly kind: "submitted";
      readonly jobId: JobId;
      readonly schedulerJobId: string;
      /** It had been submitted before, by somebody who died before it was noted. */
      readonly isFound: boolean;
    }
  | { readonly kind: "started" | "cancelled"; readonly jobId: JobId; readonly schedulerJobId: string }
  | {
      readonly kind: "ended";
      readonly jobId: JobId;
      readonly schedulerJobId: string | undefined;
      /** `queued`, when it will be tried again. */
      readonly state: TaskState;
      readonly reason: TaskReason | undefined;
    }
  /** Something could not be done now; it is tried again. */
  | { readonly kind: "problem"; readonly message: string };

/** What one look at the scheduler's jobs came to. */
export interface BatchTally {
  readonly submitted: number;
  readonly started: number;
  readonly cancelled: number;
  readonly ended: number;
  readonly problems: readonly string[];
}
