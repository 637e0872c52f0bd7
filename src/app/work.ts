import { randomUUID } from "node:crypto";

import type { AttemptEnd } from "../executor/executor.ts";
import { toShellExitCode } from "../executor/judge-attempt.ts";
import type { SupervisedAttempt } from "../executor/supervisor.ts";
import { messageOf } from "../model/errors.ts";
import { admitsKind, type Pool } from "../queue/pool.ts";
import type { AttemptResult, Claim, ClaimRequest, Renewal } from "../queue/queue-store.ts";
import type { JobId } from "../run/job-id.ts";
import { BackgroundDelivery } from "./background-delivery.ts";
import { BackgroundResolution } from "./background-resolution.ts";
import { completeResult } from "./complete-result.ts";
import { CodeWatch } from "./code-watch.ts";
import { startTask, type WorkPorts } from "./execute-task.ts";
import { toResult } from "./find-attempt.ts";
import { LiveAttempt } from "./live-attempt.ts";
import { purgeQueue } from "./purge-queue.ts";
import type { QueueTiming } from "./queue-timing.ts";
import { recoverAttempts } from "./recover-attempts.ts";
import type { Repo } from "./repo.ts";
import { Resilience } from "./resilience.ts";
import { settleAttempt } from "./settle-attempt.ts";
import { StreamWatch } from "./stream-watch.ts";
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
  #service: Service;
  readonly #code: CodeWatch;
  readonly #resilience: Resilience;
  readonly #delivery: BackgroundDelivery;
  readonly #resolution: BackgroundResolution;
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
  #isHeldBack = false;
  readonly #due: Record<Chore, number>;

  constructor(repo: Repo, ports: WorkPorts, options: WorkOptions) {
    this.#repo = repo;
    this.#ports = ports;
    this.#options = options;
    const { pools, lanes, ids, owner } = options;
    this.#service = { pools, lanes, ids, owner, machine: repo.machineLabel };
    this.#code = new CodeWatch(repo);
    this.#resilience = new Resilience((message) => options.observe({ kind: "problem", message }), repo.clock);
    this.#delivery = new BackgroundDelivery(repo, ports.store, this.#resilience);
    this.#resolution = new BackgroundResolution(repo, ports, this.#resilience, () => this.#wakeUp());
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
      if (this.#ending === undefined && !this.#isCutOff) this.#resolution.begin();
      const mayClaim = this.#ending === undefined && !this.#isCutOff;
      const hasClaimed = mayClaim && (await this.#resilience.survive(() => this.#fillSlots(), false));
      if (hasClaimed) continue;
      if (this.#ending !== undefined && this.#live.size === 0) break;
      if (this.#options.isUntilEmpty && this.#live.size === 0) {
        const left = await this.#resilience.survive(() => findWorkLeft(this.#ports.store, this.#service), undefined);
        if (left?.isAny === false) {
          waiting = left.stuck;
          break;
        }
        if (left !== undefined && this.#takeOn(left.leaders)) continue;
      }
      await this.#pause();
    }
    await Promise.all(this.#carried);
    await this.#resolution.finish();
    await this.#delivery.finish();
    await this.#resilience.survive(() => this.#ports.store.removeWorker(this.#options.workerId), undefined);
    const wallclockS = (this.#repo.clock.monotonicMs() - this.#startedMs) / 1000;
    return { ...this.#counts, wallclockS, waiting, ended: this.#ending ?? "empty" };
  }

  /** Serves tasks of others, too, for whose results its own wait. @returns whether any of them is new */
  #takeOn(leaders: readonly JobId[]): boolean {
    const { ids } = this.#service;
    const added = ids === undefined ? [] : leaders.filter((id) => !ids.includes(id));
    if (ids !== undefined && added.length > 0) this.#service = { ...this.#service, ids: [...ids, ...added] };
    return added.length > 0;
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
    if (this.#isDue("reap", timing.reapMs)) await this.#resilience.survive(() => this.#reap(), undefined);
    if (this.#live.size > 0 && this.#isDue("stops", timing.pollMs * 2)) {
      await this.#resilience.survive(() => this.#obeyStops(), undefined);
    }
    if (this.#isDue("age", AGE_MS)) await this.#resilience.survive(() => this.#ports.store.age(), 0);
    if (this.#isDue("purge", PURGE_MS))
      await this.#resilience.survive<unknown>(() => purgeQueue(this.#repo, this.#ports, { dryRun: false }), undefined);
    if (this.#isDue("deliver", DELIVERY_MS)) this.#delivery.begin();
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
    const { workerId, owner, lanes, timing } = this.#options;
    const { ids } = this.#service;
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
        const streams = StreamWatch.of(this.#repo, this.#ports, this.#resilience, live);
        end = await program.ended;
        await streams?.end();
        result = await completeResult(this.#repo, this.#ports, live.task, toResult(end));
      }
    } catch (error) {
      result = { state: "failed", reason: { code: "spawn_error", message: messageOf(error) } };
    }
    await this.#settle(live, result, end);
  }

  /** Writes down how an attempt ended, unless it is somebody else's by now, and tells it. */
  async #settle(live: LiveAttempt, result: AttemptResult, end: AttemptEnd | undefined): Promise<void> {
    const { timing, observe } = this.#options;
    // After a lease's time it is left to whoever finds the task: its end is on record.
    const patience = { everyMs: timing.pollMs * 5, forMs: timing.leaseMs };
    const what = `the end of run ${live.task.id} could not be written`;
    const settled = await settleAttempt(this.#ports.store, live, result, (write) =>
      this.#resilience.insist(what, patience, write),
    );
    if (settled === undefined) {
      this.#count("leasesLost");
      observe({ kind: "lease_lost", attempt: live });
      return;
    }
    const { state, isReleased } = settled;
    if (state === "complete" || state === "failed" || state === "stopped") this.#count(state);
    else this.#count(isReleased ? "released" : "retried");
    if (state === "failed" && this.#options.isFailureFinal === true) this.#ending ??= "failure";
    const wallclockS = end?.wallclockS ?? 0;
    observe({
      kind: "ended",
      attempt: live,
      ...settled,
      wallclockS,
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
    const renewal = await this.#resilience.survive<Renewal | undefined>(async () => {
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
    if (this.#live.size > 0)
      this.#resilience.tell("no lease could be renewed in time: the programs that run are ended");
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
