import type { Pool } from "../queue/pool.ts";
import type { JobId } from "../run/job-id.ts";
import type { QueueTiming } from "./queue-timing.ts";
import type { WorkControl, WorkEvent, WorkView } from "./work-events.ts";

/** How a worker works. */
export interface WorkOptions {
  readonly workerId: string;
  readonly pools: readonly Pool[];
  /** The lanes that it serves; all, when absent. */
  readonly lanes?: readonly string[] | undefined;
  /** Only these tasks, when present. */
  readonly ids?: readonly JobId[] | undefined;
  /** Of those tasks, executes what policies submit for their outputs, too. */
  readonly isFollowingUp?: boolean;
  /** Ends when nothing is left that it could do. */
  readonly isUntilEmpty: boolean;
  /** Claims nothing more once a run has failed. */
  readonly isFailureFinal?: boolean;
  /** How long a draining worker waits for what runs before it gives it back; for ever, when absent. */
  readonly drainMs: number | undefined;
  readonly timing: QueueTiming;
  /** Nothing is started while the disk has less space than this. */
  readonly minFreeBytes: number;
  /** The operating system's user, whose tasks it executes. */
  readonly owner: string;
  /** What the programs find in their environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly observe: (event: WorkEvent) => void;
  /** Told once, before the first claim. */
  readonly onStart?: (control: WorkControl, view: WorkView) => void;
}
