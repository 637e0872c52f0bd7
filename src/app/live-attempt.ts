import type { SupervisedAttempt } from "../executor/supervisor.ts";
import type { JsonValue } from "../model/json.ts";
import type { Pool } from "../queue/pool.ts";
import type { Claim } from "../queue/queue-store.ts";
import type { StopMode, Task } from "../queue/task.ts";
import type { WorkingAttempt } from "./work-events.ts";

/** What a worker has decided about an attempt that it carries out. */
export type Fate =
  /** Its result counts. */
  | "kept"
  /** It is ended and given back to the queue, unless it ends by itself first. */
  | "released"
  /** The lease is lost: it is killed, and its result thrown away. */
  | "discarded";

/** An attempt that a worker holds the lease of, from its claim to its end. */
export class LiveAttempt implements WorkingAttempt {
  readonly task: Task;
  readonly token: string;
  readonly startedAtMs: number;
  readonly isAdopted: boolean;
  #pool: Pool | undefined;
  #fate: Fate = "kept";
  #program: SupervisedAttempt | undefined;
  #stop: StopMode | undefined;

  constructor(claim: Claim, pool: Pool | undefined, startedAtMs: number, program?: SupervisedAttempt) {
    this.task = claim.task;
    this.token = claim.lease.token;
    this.#pool = pool;
    this.startedAtMs = startedAtMs;
    this.isAdopted = program !== undefined;
    this.#program = program;
  }

  /** The pool whose slot it takes. */
  get pool(): Pool | undefined {
    return this.#pool;
  }

  /** Nothing of its program is left, and another one may begin while its end is written down. */
  leaveSlot(): void {
    this.#pool = undefined;
  }

  get fate(): Fate {
    return this.#fate;
  }

  /** Says which program it is. What was asked of it before is done now. */
  begin(program: SupervisedAttempt): void {
    this.#program = program;
    if (this.#stop !== undefined) program.stop(this.#stop);
  }

  /** Ends the program; asked again it can only be harder. */
  stop(mode: StopMode): void {
    if (this.#stop === mode || this.#stop === "kill") return;
    this.#stop = mode;
    this.#program?.stop(mode);
  }

  release(): void {
    if (this.#fate === "kept") this.#fate = "released";
    this.stop("graceful");
  }

  discard(): void {
    this.#fate = "discarded";
    this.stop("kill");
  }

  lastMetric(): Readonly<Record<string, JsonValue>> | undefined {
    return this.#program?.lastMetric();
  }
}
