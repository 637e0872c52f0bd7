import { randomUUID } from "node:crypto";

import type { Pool } from "../queue/pool.ts";
import type { ClaimRequest, QueueStore } from "../queue/queue-store.ts";
import type { JobId } from "../run/job-id.ts";
import { findWorkLeft, type Service, type WorkLeft } from "./work-left.ts";

/** Which tasks a worker executes, and how it claims them. */
export interface ServedTasksOptions extends Omit<Service, "commits"> {
  readonly workerId: string;
  readonly leaseMs: number;
  /** Whether what policies submit for outputs of its own tasks becomes one of them. */
  readonly isFollowingUp?: boolean;
}

/** What a worker executes: its own tasks, and in time those of others for whose results its own wait. */
export class ServedTasks {
  readonly #options: ServedTasksOptions;
  /** Only these tasks, when present. */
  #ids: readonly JobId[] | undefined;

  constructor(options: ServedTasksOptions) {
    this.#options = options;
    this.#ids = options.ids;
  }

  /** Asks for a task of a pool. @param commits - those of other machines' runs that can be executed here */
  requestFor({ filter }: Pool, commits: readonly string[]): ClaimRequest {
    const { workerId, owner, machine, lanes, leaseMs } = this.#options;
    return {
      workerId,
      owner,
      machine,
      commits,
      executors: ["local"],
      filter,
      leaseMs,
      token: randomUUID(),
      ...(lanes === undefined ? {} : { lanes }),
      ...(this.#ids === undefined ? {} : { ids: this.#ids }),
    };
  }

  /** Finds out whether a worker that found nothing to claim has reason to stay. */
  async findLeft(store: QueueStore, commits: readonly string[]): Promise<WorkLeft> {
    const { pools, lanes, owner, machine } = this.#options;
    return await findWorkLeft(store, { pools, lanes, owner, machine, ids: this.#ids, commits });
  }

  /** Whether it is among its tasks, whatever its lane and kind. */
  has(id: JobId): boolean {
    return this.#ids === undefined || this.#ids.includes(id);
  }

  /** Serves some tasks of others, too. @returns whether any of them is new */
  takeOn(leaders: readonly JobId[]): boolean {
    const ids = this.#ids;
    const added = ids === undefined ? [] : leaders.filter((id) => !ids.includes(id));
    if (ids !== undefined && added.length > 0) this.#ids = [...ids, ...added];
    return added.length > 0;
  }

  /** Takes note of what policies have submitted for outputs of its tasks. */
  followUp(fired: readonly JobId[]): void {
    if (this.#options.isFollowingUp === true) this.takeOn(fired);
  }
}
