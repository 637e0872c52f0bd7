import type { Check } from "../doctor/checks.ts";
import { checkAgent, checkNodes, checkScheduler } from "../doctor/slurm-checks.ts";
import type { BatchExecutor } from "../executor/batch-executor.ts";
import { messageOf } from "../model/errors.ts";
import { AGENT_POOLS } from "../queue/pool.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import { ACTIVE_STATES } from "../queue/task.ts";
import type { Repo } from "./repo.ts";

/** What is asked about SLURM. */
export interface SlurmCheckPorts {
  readonly batch: BatchExecutor;
  /** The queue, unless nothing was ever queued. */
  readonly store: Pick<QueueStore, "lanes" | "tasks" | "workers"> | undefined;
}

/** An agent that was not seen for so long is gone. */
const AGENT_SILENCE_MS = 300_000;
/** How long a job may wait before the cluster counts as too busy to be asked. */
const PROBE_MS = 120_000;

/**
 * Examines whether SLURM can execute the runs of this repository. Nothing is asked where no lane is SLURM's.
 *
 * @param isProbed - has a job look at the folders that runs need, which takes a place in the cluster's queue
 */
export async function checkSlurm(
  repo: Repo,
  { batch, store }: SlurmCheckPorts,
  isProbed: boolean,
): Promise<readonly Check[]> {
  const { lanes: sections, slurm } = await repo.readConfig();
  const lanes = (await store?.lanes()) ?? [];
  const isUsed =
    isProbed ||
    Object.keys(slurm).length > 0 ||
    [...Object.values(sections), ...lanes].some(({ executor }) => executor === "slurm");
  if (!isUsed) return [];
  try {
    const checks = [...checkScheduler(await batch.inspect(), slurm.partition)];
    if (store !== undefined) checks.push(await checkWaiting(repo, store));
    const isReachable = checks[0]?.state === "ok";
    if (isProbed && isReachable) checks.push(...checkNodes(await batch.probeNode(repo.runs.path, slurm, PROBE_MS)));
    return checks;
  } catch (error) {
    const hint = error instanceof Error && "hint" in error && typeof error.hint === "string" ? error.hint : undefined;
    return [{ name: "slurm", state: "bad", message: messageOf(error), ...(hint === undefined ? {} : { hint }) }];
  }
}

async function checkWaiting(repo: Repo, store: NonNullable<SlurmCheckPorts["store"]>): Promise<Check> {
  const open = await store.tasks({ states: ["queued", ...ACTIVE_STATES] });
  const since = repo.clock.nowMs() - AGENT_SILENCE_MS;
  const hasAgent = (await store.workers()).some(({ pools, beatAt }) => pools === AGENT_POOLS && beatAt > since);
  return checkAgent(open.filter(({ executor }) => executor === "slurm").length, hasAgent);
}
