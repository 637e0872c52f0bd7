import { setTimeout as sleep } from "node:timers/promises";

import type { Checkouts } from "../git/checkouts.ts";
import { messageOf } from "../model/errors.ts";
import { AGENT_POOLS } from "../queue/pool.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { ProcessRecord } from "../run/document.ts";
import { Chores } from "./chores.ts";
import { CodeWatch } from "./code-watch.ts";
import { CommitOffers } from "./commit-offers.ts";
import { deliverEvents, deliverMarks } from "./deliver-outbox.ts";
import { pruneCheckouts } from "./prune-checkouts.ts";
import { purgeQueue } from "./purge-queue.ts";
import { type BatchPorts, type ReconcileOptions, SlurmReconciler } from "./reconcile-slurm.ts";
import type { Repo } from "./repo.ts";

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
  readonly #store: QueueStore;
  readonly #checkouts: Checkouts | undefined;
  readonly #options: AgentOptions;
  readonly #reconciler: SlurmReconciler;
  readonly #chores: Chores<"look" | "report" | "purge">;
  #summary: AgentSummary = { ticks: 0, submitted: 0, ended: 0 };
  #lastProblem: string | undefined;
  #hooks: Promise<unknown> | undefined;

  constructor(repo: Repo, ports: BatchPorts, options: AgentOptions) {
    this.#repo = repo;
    this.#store = ports.store;
    this.#checkouts = ports.checkouts;
    this.#options = options;
    const offers = this.#toOffers(ports);
    const commits = offers === undefined ? undefined : async () => await offers.now();
    this.#reconciler = new SlurmReconciler(repo, ports, { ...options, commits });
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
  #toOffers({ store, checkouts }: BatchPorts): CommitOffers | undefined {
    if (checkouts === undefined) return undefined;
    const { observe } = this.#options;
    const tell = {
      problem: (message: string) => observe({ kind: "problem", message }),
      // The next look finds what has come.
      settled: () => undefined,
    };
    return new CommitOffers(this.#repo, { store, checkouts, code: new CodeWatch(this.#repo) }, tell);
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
    const before = this.#summary;
    this.#summary = {
      ticks: before.ticks + 1,
      submitted: before.submitted + submitted,
      ended: before.ended + ended,
    };
    if (this.#chores.isDue("purge", PURGE_MS)) await this.#purge();
    await deliverMarks(this.#repo, this.#store);
    // A slow hook keeps nobody waiting.
    this.#hooks ??= deliverEvents(this.#repo, this.#store)
      .catch((error: unknown) => this.#options.observe({ kind: "problem", message: messageOf(error) }))
      .finally(() => (this.#hooks = undefined));
  }

  async #purge(): Promise<void> {
    await purgeQueue(this.#repo, this.#store, { dryRun: false });
    if (this.#checkouts !== undefined) await pruneCheckouts(this.#repo, this.#store, this.#checkouts, false);
  }

  async #report(startedAt: number): Promise<void> {
    const { workerId, self } = this.#options;
    const { pid, start_fingerprint: startFingerprint, boot_id: bootId } = self;
    const process = { pid, startFingerprint, bootId };
    const canCheckout = this.#checkouts !== undefined;
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

  /** Until it is time to look again, or until the queue has changed. */
  async #pause(): Promise<void> {
    const { intervalMs, signal } = this.#options;
    const shortestMs = Math.min(SHORTEST_PAUSE_MS, intervalMs);
    await sleep(shortestMs, undefined, { signal }).catch(() => undefined); // it ends early when we are to end
    await this.#survive(async () => void (await this.#store.waitForChange(this.#chores.untilNext(), signal)));
  }
}
