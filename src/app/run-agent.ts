import { AGENT_POOLS } from "../queue/pool.ts";
import type { ProcessRecord } from "../run/document.ts";
import { messageOf } from "../model/errors.ts";
import { BackgroundResolution } from "./background-resolution.ts";
import { deliverEvents, deliverMarks } from "./deliver-outbox.ts";
import { type ReconcileOptions, type ReconcilePorts, SlurmReconciler } from "./reconcile-slurm.ts";
import type { Repo } from "./repo.ts";
import { Resilience } from "./resilience.ts";

/** How an agent works. */
export interface AgentOptions extends ReconcileOptions {
  /** How often it looks. */
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

const PURGE_FIRST_MS = 90_000;
const PURGE_MS = 3_600_000;

/**
 * Looks after the scheduler's jobs, documents, hooks and retention until it is told to end. Several agents may run;
 * each submission is made by one of them, and whatever one that was killed has left, the next one finds.
 */
export async function runAgent(repo: Repo, ports: ReconcilePorts, options: AgentOptions): Promise<AgentSummary> {
  const { store } = ports;
  const { workerId, intervalMs, self, signal, observe } = options;
  const reconciler = new SlurmReconciler(repo, ports, options);
  const { pid, start_fingerprint: startFingerprint, boot_id: bootId } = self;
  const worker = {
    id: workerId,
    machine: repo.machineLabel,
    pid,
    startFingerprint,
    bootId,
    pools: AGENT_POOLS,
  } as const;
  const startedAt = await store.now();
  const resilience = new Resilience((message) => observe({ kind: "problem", message }), repo.clock);
  const resolution = new BackgroundResolution(repo, ports, resilience, () => undefined);
  let purgeDue = repo.clock.monotonicMs() + PURGE_FIRST_MS;
  let lastProblem: string | undefined;
  let hooks: Promise<unknown> | undefined;
  let summary: AgentSummary = { ticks: 0, submitted: 0, ended: 0 };
  while (!signal.aborted) {
    try {
      await store.reportWorker({ ...worker, state: "up", startedAt });
      resolution.begin();
      const { submitted, ended } = await reconciler.tick();
      summary = { ...summary, submitted: summary.submitted + submitted, ended: summary.ended + ended };
      await store.age();
      if (repo.clock.monotonicMs() >= purgeDue) {
        purgeDue = repo.clock.monotonicMs() + PURGE_MS;
        await store.purge({ dryRun: false });
      }
      await deliverMarks(repo, store);
      // A slow hook keeps nobody waiting.
      hooks ??= deliverEvents(repo, store)
        .catch((error: unknown) => observe({ kind: "problem", message: messageOf(error) }))
        .finally(() => (hooks = undefined));
      lastProblem = undefined;
    } catch (error) {
      // The queue may be back at the next look; until then nothing is lost.
      const message = messageOf(error);
      if (message !== lastProblem) observe({ kind: "problem", message });
      lastProblem = message;
    }
    summary = { ...summary, ticks: summary.ticks + 1 };
    await pause(intervalMs, signal);
  }
  await resolution.finish();
  await hooks;
  await store.removeWorker(workerId);
  return summary;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
