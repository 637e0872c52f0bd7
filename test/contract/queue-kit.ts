import { hash } from "node:crypto";

import type { Claim, ClaimRequest, NewTask, QueueStore } from "../../src/queue/queue-store.ts";
import type { PortableRun } from "../../src/queue/portable-run.ts";
import type { NewOutput } from "../../src/queue/run-output.ts";
import { DEFAULT_RETRY, type Need, type TaskReason, type TaskSpec, type TaskState } from "../../src/queue/task.ts";
import { type JobId, parseJobId } from "../../src/run/job-id.ts";

/** A store under test, with what a test may do behind its back. */
export interface QueueFixture {
  readonly store: QueueStore;
  /** The same queue, as another process would open it. */
  another(): Promise<QueueStore>;
  /** Moves the store's clock, backwards as well. */
  advance(ms: number): void;
  /** Executes one statement as a writer who knows no rules; throws what the database says to it. */
  execute(sql: string): Promise<void>;
}

export type OpenFixture = () => Promise<QueueFixture>;

/** A run as a test describes it: names stand for ids, and a question mark behind a need for `ended`. */
export interface TaskOptions extends Partial<Omit<TaskSpec, "needs" | "retry" | "name">> {
  readonly needs?: readonly string[];
  readonly retry?: Partial<TaskSpec["retry"]>;
  readonly caller?: string;
  readonly owner?: string;
  readonly target?: string;
  /** With a commit it may go to other machines. */
  readonly commit?: string;
  readonly lastAttempt?: number;
  readonly force?: boolean;
  readonly executor?: NewTask["executor"];
  readonly machine?: string;
}

export const LEASE_MS = 60_000;
export const STOPPED_BY_USER: TaskReason = { code: "operator_stop", message: "stopped by ana" };
export const FAILED: TaskReason = { code: "exit_nonzero", message: "exit 1" };

export function idOf(name: string): JobId {
  return parseJobId(hash("md5", name));
}

function toNeed(text: string): Need {
  return text.endsWith("?")
    ? { run: idOf(text.slice(0, -1)), condition: "ended" }
    : { run: idOf(text), condition: "success" };
}

/** Stored and given back, and not looked into. */
export const PORTABLE: PortableRun = {
  template: ["python3", "train.py", "--lr", "{lr}"],
  statePoint: '{"lr": 1.0}',
  hypothesisId: "H001",
  isLocalPathAllowed: false,
};

export function newTask(name: string, options: TaskOptions = {}): NewTask {
  const {
    needs = [],
    retry,
    caller = "ana",
    owner = "ana",
    target,
    commit,
    lastAttempt,
    force,
    executor = "local",
    machine = "laptop",
    ...spec
  } = options;
  return {
    id: idOf(name),
    experimentId: "E001",
    caller,
    owner,
    machine,
    executor,
    ...(target !== undefined && { target }),
    ...(commit !== undefined && { commit, portable: PORTABLE }),
    ...(lastAttempt !== undefined && { lastAttempt }),
    ...(force !== undefined && { force }),
    spec: {
      command: "true",
      cwd: ".",
      lane: "default",
      kind: "default",
      priority: 0,
      resources: [],
      graceMs: 10_000,
      ...spec,
      name,
      needs: needs.map(toNeed),
      retry: { ...DEFAULT_RETRY, ...retry },
    },
  };
}

/** A store, and short words for what tests do with it again and again. */
export class QueueKit {
  readonly fixture: QueueFixture;
  readonly store: QueueStore;
  #tokens = 0;
  #groups = 0;

  constructor(fixture: QueueFixture) {
    this.fixture = fixture;
    this.store = fixture.store;
  }

  /** Queues runs as one group and gives its id. */
  async submit(tasks: Readonly<Record<string, TaskOptions>>, groupId = `grp_${(this.#groups += 1)}`): Promise<string> {
    await this.store.submit(
      { id: groupId, kind: "batch", name: groupId, caller: "ana" },
      Object.entries(tasks).map(([name, options]) => newTask(name, options)),
    );
    return groupId;
  }

  request(change: Partial<ClaimRequest> = {}): ClaimRequest {
    return {
      workerId: "worker-1",
      owner: "ana",
      machine: "laptop",
      executors: ["local"],
      filter: { mode: "any" },
      leaseMs: LEASE_MS,
      token: `token-${(this.#tokens += 1)}`,
      ...change,
    };
  }

  async claim(change: Partial<ClaimRequest> = {}): Promise<Claim> {
    const claim = await this.store.claim(this.request(change));
    if (claim === undefined) throw new Error("nothing was there to claim");
    return claim;
  }

  /** The names of all tasks that are claimed one after the other until nothing is left. */
  async claimAll(change: Partial<ClaimRequest> = {}): Promise<readonly (string | undefined)[]> {
    const names: (string | undefined)[] = [];
    for (;;) {
      const claim = await this.store.claim(this.request(change));
      if (claim === undefined) return names;
      names.push(claim.task.spec.name);
    }
  }

  async claimsNothing(change: Partial<ClaimRequest> = {}): Promise<boolean> {
    return (await this.store.claim(this.request(change))) === undefined;
  }

  /** @param outputs all that it wrote; nothing is known of them, when absent */
  async succeed(claim: Claim, outputs?: readonly NewOutput[]): Promise<TaskState | undefined> {
    const result = { state: "complete", reason: undefined, exitCode: 0, outputs } as const;
    return (await this.store.finish(claim.task.id, claim.lease.token, result, 1))?.state;
  }

  async fail(claim: Claim, reason: TaskReason = FAILED, jitter = 1): Promise<TaskState | undefined> {
    return (await this.store.finish(claim.task.id, claim.lease.token, { state: "failed", reason, exitCode: 1 }, jitter))
      ?.state;
  }

  async stateOf(name: string): Promise<TaskState | undefined> {
    return (await this.store.task(idOf(name)))?.state;
  }

  /** The state of every task, by name. */
  async states(): Promise<Readonly<Record<string, TaskState>>> {
    const tasks = await this.store.tasks({});
    return Object.fromEntries(tasks.map((task) => [task.spec.name ?? task.id, task.state]));
  }

  /** The kinds of events so far, those of one run when it is named. */
  async events(name?: string): Promise<readonly string[]> {
    const events = await this.store.events(0, 10_000);
    return events.filter((event) => name === undefined || event.runId === idOf(name)).map((event) => event.kind);
  }
}
