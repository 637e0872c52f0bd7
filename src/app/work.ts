import { randomUUID } from "node:crypto";

import type { AttemptEnd } from "../executor/executor.ts";
import { toShellExitCode } from "../executor/judge-attempt.ts";
import type { SupervisedAttempt } from "../executor/supervisor.ts";
import { messageOf } from "../model/errors.ts";
import { admitsKind, type Pool } from "../queue/pool.ts";
import type { AttemptResult, Renewal } from "../queue/queue-store.ts";
import { BackgroundDelivery } from "./background-delivery.ts";
import { BackgroundResolution } from "./background-resolution.ts";
import { Chores } from "./chores.ts";
import { CodeWatch } from "./code-watch.ts";
import { CommitOffers } from "./commit-offers.ts";
import { completeResult } from "./complete-result.ts";
import { type StartOptions, startTask, type WorkPorts } from "./execute-task.ts";
import { toAttemptProcess, toResult } from "./find-attempt.ts";
import { LiveAttempt } from "./live-attempt.ts";
import { purgeQueue } from "./purge-queue.ts";
import { recoverAttempts } from "./recover-attempts.ts";
import type { Repo } from "./repo.ts";
import { Resilience } from "./resilience.ts";
import { ServedTasks } from "./served-tasks.ts";
import { settleAttempt } from "./settle-attempt.ts";
import { SpaceGuard } from "./space-guard.ts";
import { StreamWatch } from "./stream-watch.ts";
import type { WorkCounts, WorkSummary } from "./work-events.ts";
import { SOME_LEFT, type WorkLeft } from "./work-left.ts";
import type { WorkOptions } from "./work-options.ts";

/** Documents follow the queue within this time; at once when little happens. Each delivery flushes the disk. */
const DELIVERY_MS = 1000;
/** So often it is looked whether a delivery that failed is to be tried again, when nothing happens. */
const IDLE_DELIVERY_MS = 5000;
/** However often the queue changes, what that may have made possible is looked for no more often than this. */
const SHORTEST_LOOK_MS = 50;
/** So often a store that cannot be reached is tried again. */
const CUT_OFF_PAUSE_MS = 200;
/** Why a wait is over, which nobody asks: an error with its stack, for each of many, would cost more. */
const WOKEN = "woken";
const SETTLE_AGAIN_MS = 1000;
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
type Chore = "look" | "deliver" | "stops" | "reap" | "renew" | "age" | "purge";

class Worker {
  readonly #repo: Repo;
  readonly #ports: WorkPorts;
  readonly #options: WorkOptions;
  readonly #served: ServedTasks;
  readonly #code: CodeWatch;
  readonly #startOptions: StartOptions;
  /** What it can do of what other machines queue; absent where there are none. */
  #offers: CommitOffers | undefined;
  readonly #resilience: Resilience;
  readonly #delivery: BackgroundDelivery;
  readonly #resolution: BackgroundResolution;
  readonly #space: SpaceGuard;
  readonly #startedMs: number;
  readonly #startedAtMs: number;
  /** By lease token. */
  readonly #live = new Map<string, LiveAttempt>();
  readonly #carried = new Set<Promise<void>>();
  #counts: WorkCounts = { complete: 0, failed: 0, stopped: 0, retried: 0, released: 0, leasesLost: 0 };
  #renewedMs: number;
  /** Ends the programs in time although a question to the store is not answered. */
  #guard: NodeJS.Timeout | undefined;
  #ending: "failure" | "drained" | undefined;
  /** When what still runs is given back; by the monotonic clock. */
  #drainsBy: number | undefined;
  /** The store could not be written when the leases were last to be renewed. */
  #isCutOff = false;
  #isWoken = false;
  #wake: () => void = () => undefined;
  readonly #chores: Chores<Chore>;

  constructor(repo: Repo, ports: WorkPorts, options: WorkOptions) {
    this.#repo = repo;
    this.#ports = ports;
    this.#options = options;
    const { lanes, ids, owner, timing } = options;
    this.#served = new ServedTasks({ ...options, lanes, ids, machine: repo.machineLabel, leaseMs: timing.leaseMs });
    this.#code = new CodeWatch(repo);
    // The environment of a process is read anew at each look, which is too slow for each attempt.
    this.#startOptions = { code: this.#code, env: { ...options.env }, heartbeatMs: timing.heartbeatMs };
    this.#resilience = new Resilience((message) => options.observe({ kind: "problem", message }), repo.clock);
    this.#delivery = new BackgroundDelivery(repo, ports.store, this.#resilience);
    const resolution = { owner, served: this.#served, onResolved: () => this.#heedResolved() };
    this.#resolution = new BackgroundResolution(repo, ports, this.#resilience, resolution);
    this.#space = new SpaceGuard(ports, {
      folder: repo.runs.path,
      minFreeBytes: options.minFreeBytes,
      tell: (message) => options.observe({ kind: "held_back", reason: "disk_full", message }),
    });
    const now = repo.clock.monotonicMs();
    this.#startedMs = now;
    this.#startedAtMs = repo.clock.nowMs();
    this.#renewedMs = now;
    const chores: readonly Chore[] = ["look", "deliver", "stops", "reap", "renew", "age"];
    this.#chores = new Chores<Chore>(
      repo.clock,
      new Map([...chores.map((chore) => [chore, 0] as const), ["purge", PURGE_FIRST_MS]]),
    );
  }

  async run(): Promise<WorkSummary> {
    if ((await this.#repo.readDatabaseUrl()) !== undefined) {
      const { store, workTrees } = this.#ports;
      this.#offers = new CommitOffers(
        this.#repo,
        { store, workTrees, code: this.#code },
        {
          problem: (message) => this.#options.observe({ kind: "problem", message }),
          settled: () => {
            this.#chores.hurry("look");
            this.#wakeUp();
          },
        },
      );
    }
    await this.#report();
    this.#options.onStart?.(
      { drain: () => this.#drain(), stopNow: () => this.#stopNow() },
      { running: () => [...this.#live.values()], counts: () => this.#counts },
    );
    let waiting = 0;
    for (;;) {
      await this.#attend();
      const looks = this.#chores.isDue("look", this.#options.timing.pollMs);
      const mayClaim = looks && this.#ending === undefined && !this.#isCutOff;
      if (mayClaim && (await this.#resilience.survive(() => this.#fillSlots(), false))) {
        this.#chores.hurry("look");
        continue;
      }
      if (mayClaim) this.#resolution.begin();
      if (this.#ending !== undefined && this.#live.size === 0) break;
      if (looks && this.#options.isUntilEmpty && this.#live.size === 0) {
        const left = await this.#resilience.survive(() => this.#findWorkLeft(), undefined);
        if (left?.isAny === false) {
          waiting = left.stuck;
          break;
        }
        if (left !== undefined && this.#served.takeOn(left.leaders)) this.#chores.hurry("look");
      }
      await this.#pause();
    }
    await Promise.all(this.#carried);
    await this.#resolution.finish();
    clearTimeout(this.#guard);
    await this.#delivery.finish();
    await this.#resilience.survive(() => this.#ports.store.removeWorker(this.#options.workerId), undefined);
    const wallclockS = (this.#repo.clock.monotonicMs() - this.#startedMs) / 1000;
    return { ...this.#counts, wallclockS, waiting, ended: this.#ending ?? "empty" };
  }

  /** What is due beside claiming. */
  async #attend(): Promise<void> {
    const { timing } = this.#options;
    this.#fenceInTime();
    if (this.#drainsBy !== undefined && this.#repo.clock.monotonicMs() >= this.#drainsBy) {
      for (const live of this.#live.values()) live.release();
    }
    if (this.#chores.isDue("renew", timing.renewMs)) await this.#renew();
    // Each of the others would wait for the store as well, and the fence would come too late.
    if (this.#isCutOff) return;
    if (this.#chores.isDue("reap", timing.reapMs)) await this.#resilience.survive(() => this.#reap(), undefined);
    if (this.#chores.isDue("stops", timing.pollMs * 2) && this.#live.size > 0) {
      await this.#resilience.survive(() => this.#obeyStops(), undefined);
    }
    if (this.#chores.isDue("age", AGE_MS)) await this.#resilience.survive(() => this.#ports.store.age(), 0);
    if (this.#chores.isDue("purge", PURGE_MS)) {
      const purge = (): Promise<unknown> => purgeQueue(this.#repo, this.#ports, { dryRun: false });
      await this.#resilience.survive(purge, undefined);
    }
    const deliveryMs = this.#live.size > 0 ? DELIVERY_MS : IDLE_DELIVERY_MS;
    if (this.#chores.isDue("deliver", deliveryMs)) this.#delivery.begin();
  }

  async #findWorkLeft(): Promise<WorkLeft> {
    const commits = (await this.#offers?.now()) ?? [];
    // What has ended last may be what a policy waits for.
    if (this.#offers?.isFetching === true || (await this.#resolution.findMore())) return SOME_LEFT;
    return await this.#served.findLeft(this.#ports.store, commits);
  }

  async #fillSlots(): Promise<boolean> {
    let hasClaimed = false;
    let commits: readonly string[] | undefined;
    for (const pool of this.#options.pools) {
      while (this.#ending === undefined && this.#countIn(pool) < pool.slots) {
        commits ??= (await this.#offers?.now()) ?? [];
        const request = this.#served.requestFor(pool, commits);
        if (!(await this.#space.hasSpace(request))) return hasClaimed;
        const claim = await this.#ports.store.claim(request);
        if (claim === undefined) break;
        if (this.#ending !== undefined) {
          // Decided while the claim was under way.
          await this.#ports.store.release(claim.task.id, claim.lease.token);
          return hasClaimed;
        }
        hasClaimed = true;
        const live = new LiveAttempt(claim, pool, this.#repo.clock.nowMs());
        this.#carry(live, () => startTask(this.#repo, this.#ports, claim, this.#startOptions));
      }
    }
    return hasClaimed;
  }

  #countIn(pool: Pool): number {
    let count = 0;
    for (const live of this.#live.values()) if (live.pool === pool) count += 1;
    return count;
  }

  #carry(live: LiveAttempt, start: () => Promise<SupervisedAttempt | AttemptResult>): void {
    this.#live.set(live.token, live);
    this.#chores.hurry("deliver", DELIVERY_MS);
    const carried = this.#carryOut(live, start).finally(() => {
      this.#live.delete(live.token);
      this.#carried.delete(carried);
      this.#chores.hurry("look");
      this.#chores.hurry("deliver", DELIVERY_MS);
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
        await this.#recordStart(live, program);
        this.#options.observe({ kind: "started", attempt: live });
        const streams = StreamWatch.of(this.#repo, this.#ports, this.#resilience, live);
        try {
          end = await program.ended;
        } finally {
          await streams?.end();
        }
        result = await completeResult(this.#repo, this.#ports, live.task, toResult(end, program.process));
      }
    } catch (error) {
      result = { state: "failed", reason: { code: "spawn_error", message: messageOf(error) } };
    }
    await this.#settle(live, result, end);
  }

  /** The process of a program that is over already goes into the queue with its end. */
  async #recordStart(live: LiveAttempt, program: SupervisedAttempt): Promise<void> {
    if (program.process === undefined || program.hasEnded()) return;
    const process = toAttemptProcess(program.process);
    const record = (): Promise<boolean> => this.#ports.store.recordProcess(live.task.id, live.token, process);
    if (!(await this.#resilience.survive(record, true))) live.discard();
  }

  /** Writes down how an attempt ended, unless it is somebody else's by now, and tells it. */
  async #settle(live: LiveAttempt, result: AttemptResult, end: AttemptEnd | undefined): Promise<void> {
    const { timing, observe } = this.#options;
    // After a lease's time it is left to whoever finds the task: its end is on record.
    const patience = { everyMs: Math.min(SETTLE_AGAIN_MS, timing.pollMs * 5), forMs: timing.leaseMs };
    const what = `the end of run ${live.task.id} could not be written`;
    // The next claim shares the transaction of the end, where the store can do that.
    if (result.state === "complete") this.#leaveSlot(live);
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

  #leaveSlot(live: LiveAttempt): void {
    live.leaveSlot();
    this.#chores.hurry("look");
    this.#wakeUp();
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
    if (this.#isCutOff) this.#chores.hurry("renew", CUT_OFF_PAUSE_MS);
    if (renewal === undefined) return;
    this.#renewedMs = askedMs;
    this.#fenceInTime();
    for (const token of renewal.lost) this.#live.get(token)?.discard();
    for (const { token, mode } of renewal.stops) this.#live.get(token)?.stop(mode);
  }

  /** When others may take our attempts for dead soon, they are ended; and looked at again when it is time for that. */
  #fenceInTime(): void {
    const { fenceMs } = this.#options.timing;
    const now = this.#repo.clock.monotonicMs();
    if (now - this.#renewedMs >= fenceMs) {
      if (this.#live.size > 0)
        this.#resilience.tell("no lease could be renewed in time: the programs that run are ended");
      for (const live of this.#live.values()) live.discard();
      this.#renewedMs = now;
    }
    clearTimeout(this.#guard);
    this.#guard = setTimeout(() => this.#fenceInTime(), Math.ceil(this.#renewedMs + fenceMs - now));
    this.#guard.unref();
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
      isCarried: (token) => this.#live.has(token),
      onAdopt: (claim, program) => {
        const pool = this.#options.pools.find(({ filter }) => admitsKind(filter, claim.task.spec.kind));
        const live = new LiveAttempt(claim, pool, this.#repo.clock.nowMs(), program);
        this.#carry(live, async () => program);
      },
    });
    // The store tells only of what others change.
    if (recovered.length > 0) this.#chores.hurry("look");
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
    this.#chores.hurry("renew"); // tells the others
    this.#wakeUp();
  }

  #stopNow(): void {
    this.#ending ??= "drained";
    this.#drainsBy = 0;
    this.#wakeUp();
  }

  async #report(): Promise<void> {
    const { pid, start_fingerprint: startFingerprint, boot_id: bootId } = this.#ports.executor.self;
    const commit = await this.#offers?.head();
    await this.#ports.store.reportWorker({
      id: this.#options.workerId,
      machine: this.#repo.machineLabel,
      pid,
      startFingerprint,
      bootId,
      pools: this.#options.pools.map(({ name, slots }) => `${name}=${slots}`).join(","),
      state: this.#ending === undefined ? "up" : "draining",
      ...(commit !== undefined && { commit }),
      canCheckout: this.#ports.workTrees !== undefined,
      startedAt: this.#startedAtMs,
    });
  }

  #wakeUp(): void {
    this.#isWoken = true;
    this.#wake();
  }

  /** Until the next chore is due, something of its own has happened, or others have changed something in the queue. */
  async #pause(): Promise<void> {
    if (!this.#isWoken) {
      const over = new AbortController();
      this.#wake = () => over.abort(WOKEN);
      const untilDrainedMs = (this.#drainsBy ?? Infinity) - this.#repo.clock.monotonicMs();
      const pauseMs = Math.min(
        this.#isCutOff ? CUT_OFF_PAUSE_MS : this.#chores.untilNext(),
        // Once that has passed, what runs has been told to end.
        untilDrainedMs > 0 ? untilDrainedMs : Infinity,
      );
      const restMs = Math.min(pauseMs, this.#options.timing.pollMs);
      const wait = () => this.#ports.store.waitForChange(pauseMs, over.signal);
      if (await this.#resilience.wait(wait, restMs, over.signal)) this.#heed();
    }
    this.#isWoken = false;
  }

  /** What was resolved may be claimed now, or has ended; the store tells only of what others change. */
  #heedResolved(): void {
    this.#chores.hurry("look");
    this.#chores.hurry("deliver", DELIVERY_MS);
    this.#wakeUp();
  }

  /** A change by others may be work, a request to stop, or a mark for a document here. */
  #heed(): void {
    this.#offers?.forget();
    const { pollMs } = this.#options.timing;
    this.#chores.hurry("look", Math.min(SHORTEST_LOOK_MS, pollMs));
    if (this.#live.size > 0) this.#chores.hurry("stops", Math.min(SHORTEST_LOOK_MS * 2, pollMs * 2));
    this.#chores.hurry("deliver", DELIVERY_MS);
  }
}
