import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import type { AttemptEnd } from "../executor/executor.ts";
import { toShellExitCode } from "../executor/judge-attempt.ts";
import type { SupervisedAttempt } from "../executor/supervisor.ts";
import { messageOf } from "../model/errors.ts";
import { admitsKind, type Pool } from "../queue/pool.ts";
import type { AttemptResult, Claim, ClaimRequest, Renewal } from "../queue/queue-store.ts";
import type { TaskReason, TaskState } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import { CodeWatch } from "./code-watch.ts";
import { deliverEvents, deliverMarks } from "./deliver-outbox.ts";
import { startTask, type WorkPorts } from "./execute-task.ts";
import { toResult } from "./find-attempt.ts";
import { LiveAttempt } from "./live-attempt.ts";
import { purgeQueue } from "./purge-queue.ts";
import type { QueueTiming } from "./queue-timing.ts";
import { recoverAttempts } from "./recover-attempts.ts";
import type { Repo } from "./repo.ts";
import type { WorkControl, WorkCounts, WorkEvent, WorkSummary, WorkView } from "./work-events.ts";
import { findWorkLeft, type Service } from "./work-left.ts";

/** How a worker works. */
export interface WorkOptions {
  readonly workerId: string;
  readonly pools: readonly Pool[];
  /** The lanes that it serves; all, when absent. */
  readonly lanes?: readonly string[] | undefined;
  /** Only these tasks, when present. */
  readonly ids?: readonly JobId[] | undefined;
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

/** Documents follow the queue within this time; at once when little happens. Each delivery flushes the disk. */
const DELIVERY_MS = 1000;
const PURGE_FIRST_MS = 90_000;
const PURGE_MS = 3_600_000;
const AGE_MS = 5000;

/**
 * Executes tasks of the queue until there are none left, or until it is told to end. Of the tasks that it holds it
 * renews the leases; when it loses one it kills the program and throws its result away. Whatever it leaves behind when
 * it is killed, the next worker finds and settles.
 *
 * @throws {AexpError} whatever the queue's store throws at the start; later failures are told and survived
 */
export async function work(repo: Repo, ports: WorkPorts, options: WorkOptions): Promise<WorkSummary> {
  return await new Worker(repo, ports, options).run();
}

/** What a worker does from time to time. */
type Chore = "deliver" | "stops" | "reap" | "renew" | "age" | "purge";

class Worker {
  readonly #repo: Repo;
  readonly #ports: WorkPorts;
  readonly #options: WorkOptions;
  readonly #service: Service;
  readonly #code: CodeWatch;
  readonly #startedMs: number;
  readonly #startedAtMs: number;
  /** By lease token. */
  readonly #live = new Map<string, LiveAttempt>();
  readonly #carried = new Set<Promise<void>>();
  #counts: WorkCounts = { complete: 0, failed: 0, stopped: 0, retried: 0, released: 0, leasesLost: 0 };
  #renewedMs: number;
  #ending: "failure" | "drained" | undefined;
  /** When what still runs is given back; by the monotonic clock. */
  #drainsBy: number | undefined;
  /** The store could not be written when the leases were last to be renewed. */
  #isCutOff = false;
  #isWoken = false;
  #wake: () => void = () => undefined;
  #delivery: Promise<unknown> | undefined;
  #hooks: Promise<unknown> | undefined;
  #isHeldBack = false;
  #lastProblem: string | undefined;
  readonly #due: Record<Chore, number>;

  constructor(repo: Repo, ports: WorkPorts, options: WorkOptions) {
    this.#repo = repo;
    this.#ports = ports;
    this.#options = options;
    const { pools, lanes, ids, owner } = options;
    this.#service = { pools, lanes, ids, owner, machine: repo.machineLabel };
    this.#code = new CodeWatch(repo);
    const now = repo.clock.monotonicMs();
    this.#startedMs = now;
    this.#startedAtMs = repo.clock.nowMs();
    this.#renewedMs = now;
    this.#due = { deliver: now, stops: now, reap: now, renew: now, age: now, purge: now + PURGE_FIRST_MS };
  }

  async run(): Promise<WorkSummary> {
    await this.#report();
    this.#options.onStart?.(
      { drain: () => this.#drain(), stopNow: () => this.#stopNow() },
      { running: () => [...this.#live.values()], counts: () => this.#counts },
    );
    let waiting = 0;
    for (;;) {
      await this.#attend();
      const mayClaim = this.#ending === undefined && !this.#isCutOff;
      const hasClaimed = mayClaim && (await this.#survive(() => this.#fillSlots(), false));
      if (hasClaimed) continue;
      if (this.#ending !== undefined && this.#live.size === 0) break;
      if (this.#options.isUntilEmpty && this.#live.size === 0) {
        const left = await this.#survive(() => findWorkLeft(this.#ports.store, this.#service), undefined);
        if (left?.isAny === false) {
          waiting = left.stuck;
          break;
        }
      }
      await this.#pause();
    }
    await Promise.all(this.#carried);
    await this.#leave();
    const wallclockS = (this.#repo.clock.monotonicMs() - this.#startedMs) / 1000;
    return { ...this.#counts, wallclockS, waiting, ended: this.#ending ?? "empty" };
  }

  /** What is due beside claiming. */
  async #attend(): Promise<void> {
    const { timing } = this.#options;
    if (this.#repo.clock.monotonicMs() - this.#renewedMs > timing.fenceMs) this.#fence();
    if (this.#drainsBy !== undefined && this.#repo.clock.monotonicMs() >= this.#drainsBy) {
      for (const live of this.#live.values()) live.release();
    }
    if (this.#isDue("renew", timing.renewMs)) await this.#renew();
    // Each of the others would wait for the store as well, and the fence would come too late.
    if (this.#isCutOff) return;
    if (this.#isDue("reap", timing.reapMs)) await this.#survive(() => this.#reap(), undefined);
    if (this.#live.size > 0 && this.#isDue("stops", timing.pollMs * 2)) {
      await this.#survive(() => this.#obeyStops(), undefined);
    }
    if (this.#isDue("age", AGE_MS)) await this.#survive(() => this.#ports.store.age(), 0);
    if (this.#isDue("purge", PURGE_MS))
      await this.#survive<unknown>(() => purgeQueue(this.#repo, this.#ports.store, { dryRun: false }), undefined);
    if (this.#delivery === undefined && this.#isDue("deliver", DELIVERY_MS)) this.#deliver();
  }

  #isDue(what: Chore, everyMs: number): boolean {
    const now = this.#repo.clock.monotonicMs();
    if (now < this.#due[what]) return false;
    this.#due[what] = now + everyMs;
    return true;
  }

  async #fillSlots(): Promise<boolean> {
    let hasClaimed = false;
    for (const pool of this.#options.pools) {
      while (this.#ending === undefined && this.#countIn(pool) < pool.slots) {
        const request = this.#requestFor(pool);
        if (!(await this.#hasSpace(request))) return hasClaimed;
        const claim = await this.#ports.store.claim(request);
        if (claim === undefined) break;
        hasClaimed = true;
        const live = new LiveAttempt(claim, pool, this.#repo.clock.nowMs());
        this.#carry(live, () => this.#start(claim));
      }
    }
    return hasClaimed;
  }

  #countIn(pool: Pool): number {
    let count = 0;
    for (const live of this.#live.values()) if (live.pool === pool) count += 1;
    return count;
  }

  #requestFor({ filter }: Pool): ClaimRequest {
    const { workerId, owner, lanes, ids, timing } = this.#options;
    const { machineLabel: machine } = this.#repo;
    const { leaseMs } = timing;
    return {
      workerId,
      owner,
      machine,
      executors: ["local"],
      filter,
      leaseMs,
      token: randomUUID(),
      ...(lanes === undefined ? {} : { lanes }),
      ...(ids === undefined ? {} : { ids }),
    };
  }

  /** Whether the disk has room for another attempt. The run that would have been next says why it waits. */
  async #hasSpace(request: ClaimRequest): Promise<boolean> {
    const { minFreeBytes, observe } = this.#options;
    const free = this.#ports.supervisor.freeBytes(this.#repo.runs.path);
    if (free === undefined || free >= minFreeBytes) {
      this.#isHeldBack = false;
      return true;
    }
    if (this.#isHeldBack) return false;
    const message = `only ${toMebibytes(free)} MiB are free, and nothing is started below ${toMebibytes(minFreeBytes)} MiB`;
    const held = await this.#ports.store.holdBack(request, { code: "disk_full", message });
    if (held === undefined) return false;
    this.#isHeldBack = true;
    observe({ kind: "held_back", reason: "disk_full", message });
    return false;
  }

  async #start(claim: Claim): Promise<SupervisedAttempt | AttemptResult> {
    const { env, timing } = this.#options;
    return await startTask(this.#repo, this.#ports, claim, {
      code: this.#code,
      env,
      heartbeatMs: timing.heartbeatMs,
    });
  }

  #carry(live: LiveAttempt, start: () => Promise<SupervisedAttempt | AttemptResult>): void {
    this.#live.set(live.token, live);
    const carried = this.#carryOut(live, start).finally(() => {
      this.#live.delete(live.token);
      this.#carried.delete(carried);
      this.#wakeUp();
    });
    this.#carried.add(carried);
  }

  async #carryOut(live: LiveAttempt, start: () => Promise<SupervisedAttempt | AttemptResult>): Promise<void> {
    let end: AttemptEnd | undefined;
    let result: AttemptResult;
    try {
      const program = await start();
      if ("state" in program) result = program;
      else {
        live.begin(program);
        this.#options.observe({ kind: "started", attempt: live });
        end = await program.ended;
        result = toResult(end);
      }
    } catch (error) {
      result = { state: "failed", reason: { code: "spawn_error", message: messageOf(error) } };
    }
    await this.#settle(live, result, end);
  }

  /** Writes down how an attempt ended, unless it is somebody else's by now. */
  async #settle(live: LiveAttempt, result: AttemptResult, end: AttemptEnd | undefined): Promise<void> {
    const { store } = this.#ports;
    const { id } = live.task;
    // What nobody asked to stop was given back, by us or by the worker before us.
    const task = result.state === "stopped" ? await this.#survive(() => store.task(id), undefined) : undefined;
    const isReleased = result.state === "stopped" && (live.fate === "released" || task?.stop === undefined);
    let state: TaskState | undefined;
    if (live.fate === "discarded") {
      // If nobody has taken it over yet, it is settled now that its program is dead.
      const reason = { code: "lost", message: "its worker lost the lease" } as const;
      await this.#insist(live, () => store.finish(id, live.token, { state: "failed", reason }, Math.random()));
    } else if (isReleased) {
      const isOurs = await this.#insist(live, () => store.release(id, live.token));
      if (isOurs === true) state = (await this.#survive(() => store.task(id), undefined))?.state ?? "queued";
    } else {
      state = (await this.#insist(live, () => store.finish(id, live.token, result, Math.random())))?.state;
    }
    if (state === undefined) {
      this.#count("leasesLost");
      this.#options.observe({ kind: "lease_lost", attempt: live });
      return;
    }
    // Who stopped it, and not by which signal we did.
    const stopped = state === "stopped" ? await this.#survive(() => store.task(id), undefined) : undefined;
    this.#tellEnd(live, { state, isReleased, reason: stopped?.reason ?? result.reason, end });
  }

  #tellEnd(
    live: LiveAttempt,
    {
      state,
      isReleased,
      reason,
      end,
    }: {
      readonly state: TaskState;
      readonly isReleased: boolean;
      readonly reason: TaskReason | undefined;
      readonly end: AttemptEnd | undefined;
    },
  ): void {
    if (state === "complete" || state === "failed" || state === "stopped") this.#count(state);
    else this.#count(isReleased ? "released" : "retried");
    if (state === "failed" && this.#options.isFailureFinal === true) this.#ending ??= "failure";
    this.#options.observe({
      kind: "ended",
      attempt: live,
      state,
      reason,
      isReleased,
      wallclockS: end?.wallclockS ?? 0,
      exitCode: end === undefined ? 1 : toShellExitCode(end),
    });
  }

  #count(what: keyof WorkCounts): void {
    this.#counts = { ...this.#counts, [what]: this.#counts[what] + 1 };
  }

  async #renew(): Promise<void> {
    const { workerId, timing } = this.#options;
    const askedMs = this.#repo.clock.monotonicMs();
    const tokens = [...this.#live.keys()];
    const renewal = await this.#survive<Renewal | undefined>(async () => {
      await this.#report();
      return await this.#ports.store.renew(workerId, tokens, timing.leaseMs);
    }, undefined);
    this.#isCutOff = renewal === undefined;
    if (this.#isCutOff) this.#due.renew = askedMs; // asks again at once
    if (renewal === undefined) return;
    this.#renewedMs = askedMs;
    for (const token of renewal.lost) this.#live.get(token)?.discard();
    for (const { token, mode } of renewal.stops) this.#live.get(token)?.stop(mode);
  }

  /** Others may take our attempts for dead soon, so they must be dead by then. */
  #fence(): void {
    if (this.#live.size > 0) this.#tell("no lease could be renewed in time: the programs that run are ended");
    for (const live of this.#live.values()) live.discard();
    this.#renewedMs = this.#repo.clock.monotonicMs();
  }

  async #obeyStops(): Promise<void> {
    const live = new Map([...this.#live.values()].map((attempt) => [attempt.task.id, attempt]));
    for (const task of await this.#ports.store.tasks({ ids: [...live.keys()] })) {
      if (task.stop !== undefined) live.get(task.id)?.stop(task.stop.mode);
    }
  }

  async #reap(): Promise<void> {
    const { workerId, timing, observe } = this.#options;
    const recovered = await recoverAttempts(this.#repo, this.#ports, {
      workerId,
      leaseMs: timing.leaseMs,
      newToken: randomUUID,
      jitter: Math.random,
      onAdopt: (claim, program) => {
        const pool = this.#options.pools.find(({ filter }) => admitsKind(filter, claim.task.spec.kind));
        const live = new LiveAttempt(claim, pool, this.#repo.clock.nowMs(), program);
        this.#carry(live, async () => program);
      },
    });
    for (const { jobId, outcome } of recovered) {
      // What was adopted has been told by its start; what is foreign would be told again and again.
      if (outcome !== "foreign" && outcome !== "adopted") observe({ kind: "recovered", jobId, outcome });
    }
  }

  #drain(): void {
    if (this.#drainsBy !== undefined) return;
    const { drainMs, observe } = this.#options;
    this.#ending ??= "drained";
    this.#drainsBy = drainMs === undefined ? Infinity : this.#repo.clock.monotonicMs() + drainMs;
    const byMs = drainMs === undefined ? undefined : this.#repo.clock.nowMs() + drainMs;
    observe({ kind: "draining", running: this.#live.size, byMs });
    this.#due.renew = 0; // tells the others
    this.#wakeUp();
  }

  #stopNow(): void {
    this.#ending ??= "drained";
    this.#drainsBy = 0;
    this.#wakeUp();
  }

  #deliver(): void {
    const { store } = this.#ports;
    this.#delivery = this.#survive<unknown>(() => deliverMarks(this.#repo, store), undefined).finally(() => {
      this.#delivery = undefined;
    });
    // A slow hook keeps no document waiting.
    this.#hooks ??= this.#survive<unknown>(() => deliverEvents(this.#repo, store), undefined).finally(() => {
      this.#hooks = undefined;
    });
  }

  async #leave(): Promise<void> {
    const { store } = this.#ports;
    await this.#delivery;
    await this.#survive<unknown>(() => deliverMarks(this.#repo, store), undefined);
    await this.#hooks;
    await this.#survive<unknown>(() => deliverEvents(this.#repo, store), undefined);
    await this.#survive(() => store.removeWorker(this.#options.workerId), undefined);
  }

  async #report(): Promise<void> {
    const { pid, start_fingerprint: startFingerprint, boot_id: bootId } = this.#ports.executor.self;
    await this.#ports.store.reportWorker({
      id: this.#options.workerId,
      machine: this.#repo.machineLabel,
      pid,
      startFingerprint,
      bootId,
      pools: this.#options.pools.map(({ name, slots }) => `${name}=${slots}`).join(","),
      state: this.#ending === undefined ? "up" : "draining",
      startedAt: this.#startedAtMs,
    });
  }

  /** Tries until it succeeds. After a lease's time it is left to whoever finds the task: its end is on record. */
  async #insist<T>(live: LiveAttempt, write: () => Promise<T>): Promise<T | undefined> {
    const { timing } = this.#options;
    const deadline = this.#repo.clock.monotonicMs() + timing.leaseMs;
    for (;;) {
      try {
        return await write();
      } catch (error) {
        this.#tell(`the end of run ${live.task.id} could not be written: ${messageOf(error)}`);
        if (this.#repo.clock.monotonicMs() > deadline) return undefined;
      }
      await sleep(timing.pollMs * 5);
    }
  }

  async #survive<T>(task: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await task();
    } catch (error) {
      this.#tell(messageOf(error));
      return otherwise;
    }
  }

  /** Once for each problem, however often it is met. */
  #tell(problem: string): void {
    if (problem === this.#lastProblem) return;
    this.#lastProblem = problem;
    this.#options.observe({ kind: "problem", message: problem });
  }

  #wakeUp(): void {
    this.#isWoken = true;
    this.#wake();
  }

  async #pause(): Promise<void> {
    if (!this.#isWoken) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, this.#options.timing.pollMs);
      await promise;
      clearTimeout(timer);
    }
    this.#isWoken = false;
  }
}

function toMebibytes(bytes: number): number {
  return Math.floor(bytes / 1024 ** 2);
}
