import { setTimeout as sleep } from "node:timers/promises";

import { messageOf } from "../model/errors.ts";
import { AGENT_POOLS } from "../queue/pool.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { ProcessRecord } from "../run/document.ts";
import { BackgroundResolution } from "./background-resolution.ts";
import { Chores } from "./chores.ts";
import { CodeWatch } from "./code-watch.ts";
import { CommitOffers } from "./commit-offers.ts";
import { deliverEvents, deliverMarks } from "./deliver-outbox.ts";
import { purgeQueue } from "./purge-queue.ts";
import { type BatchPorts, type ReconcileOptions, SlurmReconciler } from "./reconcile-slurm.ts";
import type { Repo } from "./repo.ts";
import { Resilience } from "./resilience.ts";

/** How an agent works. */
export interface AgentOptions extends ReconcileOptions {
  /** How often it asks the scheduler how jobs stand. */
  readonly intervalMs: number;
  /** This process, as others see it. */
  readonly self: ProcessRecord;
  /** Ends it after the look that is under way. */
  readonly signal: AbortSignal;
}

/** What an agent did until it ended. */
export interface AgentSummary {
  readonly ticks: number;
  readonly submitted: number;
  readonly ended: number;
}

/** However often the queue changes, SLURM is not troubled more often than this. */
const SHORTEST_PAUSE_MS = 2000;
/** Each report is a change of the queue, which others hear of. */
const REPORT_MS = 15_000;
const PURGE_FIRST_MS = 90_000;
const PURGE_MS = 3_600_000;

/**
 * Looks after the scheduler's jobs, documents, hooks and retention until it is told to end. Several agents may run;
 * each submission is made by one of them, and whatever one that was killed has left, the next one finds.
 */
export async function runAgent(repo: Repo, ports: BatchPorts, options: AgentOptions): Promise<AgentSummary> {
  return await new Agent(repo, ports, options).run();
}

class Agent {
  readonly #repo: Repo;
  readonly #ports: BatchPorts;
  readonly #store: QueueStore;
  readonly #options: AgentOptions;
  readonly #reconciler: SlurmReconciler;
  readonly #chores: Chores<"look" | "report" | "purge">;
  #summary: AgentSummary = { ticks: 0, submitted: 0, ended: 0 };
  #lastProblem: string | undefined;
  #hooks: Promise<unknown> | undefined;
  readonly #resolution: BackgroundResolution;
  /** Stages were resolved since the last look, and may be submitted. */
  #isWoken = false;
  #wake: () => void = () => undefined;

  constructor(repo: Repo, ports: BatchPorts, options: AgentOptions) {
    this.#repo = repo;
    this.#ports = ports;
    this.#store = ports.store;
    this.#options = options;
    const offers = this.#toOffers(ports);
    const commits = offers === undefined ? undefined : async () => await offers.now();
    this.#reconciler = new SlurmReconciler(repo, ports, { ...options, commits });
    const resilience = new Resilience((message) => options.observe({ kind: "problem", message }), repo.clock);
    const onResolved = (): void => this.#wakeUp();
    this.#resolution = new BackgroundResolution(repo, ports, resilience, { owner: options.owner, onResolved });
    this.#chores = new Chores(
      repo.clock,
      new Map([
        ["look", 0],
        ["report", 0],
        ["purge", PURGE_FIRST_MS],
      ]),
    );
  }

  /** A job may start when the work tree is another one, so that only commits with work trees of their own are offered. */
  #toOffers({ store, workTrees }: BatchPorts): CommitOffers | undefined {
    if (workTrees === undefined) return undefined;
    const { observe } = this.#options;
    const tell = {
      problem: (message: string) => observe({ kind: "problem", message }),
      // The next look finds what has come.
      settled: () => undefined,
    };
    return new CommitOffers(this.#repo, { store, workTrees, code: new CodeWatch(this.#repo) }, tell);
  }

  async run(): Promise<AgentSummary> {
    const { signal, workerId } = this.#options;
    if (this.#repo.marker === undefined && (await this.#repo.readDatabaseUrl()) !== undefined) {
      const hint = "`aexp install --machine-label LABEL` makes all hosts that share it one machine";
      this.#repo.warn(`this clone goes by the name of this host, ${this.#repo.machineLabel}: ${hint}`);
    }
    const startedAt = await this.#store.now();
    while (!signal.aborted) {
      await this.#survive(() => this.#attend(startedAt));
      await this.#pause();
    }
    await this.#resolution.finish();
    await this.#hooks;
    await this.#store.removeWorker(workerId);
    return this.#summary;
  }

  /** The queue may be back at the next look; until then nothing is lost. */
  async #survive(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#lastProblem = undefined;
    } catch (error) {
      const message = messageOf(error);
      if (message !== this.#lastProblem) this.#options.observe({ kind: "problem", message });
      this.#lastProblem = message;
    }
  }

  async #attend(startedAt: number): Promise<void> {
    if (this.#chores.isDue("report", REPORT_MS)) {
      await this.#report(startedAt);
      await this.#store.age();
    }
    // That the queue has changed is no reason to ask SLURM for all jobs.
    const isDue = this.#chores.isDue("look", this.#options.intervalMs);
    const { submitted, ended } = isDue ? await this.#reconciler.tick() : await this.#reconciler.obey();
    // What has ended may have made more stages ready.
    this.#resolution.begin();
    const before = this.#summary;
    this.#summary = {
      ticks: before.ticks + 1,
      submitted: before.submitted + submitted,
      ended: before.ended + ended,
    };
    if (this.#chores.isDue("purge", PURGE_MS)) await purgeQueue(this.#repo, this.#ports, { dryRun: false });
    await deliverMarks(this.#repo, this.#store);
    // A slow hook keeps nobody waiting.
    this.#hooks ??= deliverEvents(this.#repo, this.#store)
      .catch((error: unknown) => this.#options.observe({ kind: "problem", message: messageOf(error) }))
      .finally(() => (this.#hooks = undefined));
  }

  async #report(startedAt: number): Promise<void> {
    const { workerId, self } = this.#options;
    const { pid, start_fingerprint: startFingerprint, boot_id: bootId } = self;
    const process = { pid, startFingerprint, bootId };
    const canCheckout = this.#ports.workTrees !== undefined;
    const { machineLabel: machine } = this.#repo;
    await this.#store.reportWorker({
      ...process,
      id: workerId,
      machine,
      pools: AGENT_POOLS,
      state: "up",
      startedAt,
      canCheckout,
    });
  }

  #wakeUp(): void {
    this.#isWoken = true;
    this.#wake();
  }

  /** Until it is time to look again, or until others or the resolution of stages have changed the queue. */
  async #pause(): Promise<void> {
    const { intervalMs, signal } = this.#options;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    const shortestMs = Math.min(SHORTEST_PAUSE_MS, intervalMs);
    await sleep(shortestMs, undefined, { signal }).catch(() => undefined); // it ends early when we are to end
    const over = AbortSignal.any([signal, woken.signal]);
    if (!this.#isWoken)
      await this.#survive(async () => void (await this.#store.waitForChange(this.#chores.untilNext(), over)));
    this.#isWoken = false;
  }
}
