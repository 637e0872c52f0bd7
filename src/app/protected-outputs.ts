import { parseInstant } from "../model/clock.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { RunOutput } from "../queue/run-output.ts";
import { isTerminalState, type Task } from "../queue/task.ts";
import { isSuccess } from "../queue/transitions.ts";
import type { JobId } from "../run/job-id.ts";
import { attemptOfPath, type OutputPlace, readAliasedPlaces, readsOf } from "./output-places.ts";
import type { Repo } from "./repo.ts";
import { readRunOutputs, type RunOutputPorts } from "./run-outputs.ts";

/** What it takes to know what is still wanted. */
export interface ProtectionPorts extends RunOutputPorts {
  readonly store: Pick<QueueStore, "aliases" | "outputs" | "tasks">;
}

/**
 * Why outputs are kept. `alias`: an alias stands for them. `needed`: a run that has not ended reads them, or wrote them.
 * `ledger`: they are those of the run that ended last in its experiment, by the ledger. `newest`: they are those of the
 * newest runs of their stage.
 */
export type ProtectionReason = "alias" | "needed" | "ledger" | "newest";

/** What must not be deleted. What a cached run has is protected in the folder of the run that holds it. */
export class ProtectedOutputs {
  readonly #attempts = new Map<string, ProtectionReason>();
  readonly #runs = new Map<JobId, ProtectionReason>();
  /** How many runs of each stage are kept as its newest. */
  readonly newest: ReadonlyMap<string, number>;

  constructor(newest: ReadonlyMap<string, number>) {
    this.newest = newest;
  }

  /** Why the outputs of an attempt are kept; `undefined` when nothing wants them. */
  reasonOf(run: JobId, attempt: number): ProtectionReason | undefined {
    return this.#runs.get(run) ?? this.#attempts.get(`${run}/${attempt}`);
  }

  protectPlaces(places: readonly OutputPlace[], reason: ProtectionReason): void {
    for (const { holder, path } of places) {
      const key = `${holder}/${attemptOfPath(path) ?? 0}`;
      if (!this.#attempts.has(key)) this.#attempts.set(key, reason);
    }
  }

  /** Protects all that a run has written. */
  protectRun(run: JobId, reason: ProtectionReason): void {
    if (!this.#runs.has(run)) this.#runs.set(run, reason);
  }
}

/** Everything that the queue knows of its runs. */
export interface QueueView {
  readonly tasks: readonly Task[];
  /** Those on this machine; of a run that has not succeeded, the items of its streams. */
  readonly outputs: ReadonlyMap<JobId, readonly RunOutput[]>;
}

/** Reads all of it at once, so that one look judges every output. */
export async function readQueueView({ machineLabel }: Repo, { store }: ProtectionPorts): Promise<QueueView> {
  const tasks = await store.tasks({});
  const all = await store.outputs(tasks.map(({ id }) => id));
  const outputs = all.filter(({ machine }) => machine === machineLabel);
  return { tasks, outputs: Map.groupBy(outputs, ({ run }) => run) };
}

/**
 * Finds out which outputs are still wanted.
 *
 * @param keepLast so many of the newest successful runs of each stage and element are kept
 */
export async function readProtectedOutputs(
  repo: Repo,
  ports: ProtectionPorts,
  view: QueueView,
  keepLast: number,
): Promise<ProtectedOutputs> {
  const newest = newestOfStages(view, keepLast);
  const found = new ProtectedOutputs(new Map([...newest].map(([stage, runs]) => [stage, runs.length])));
  for (const { run, places } of await readAliasedPlaces(repo, ports)) {
    // Of a run that says nothing of its outputs everything is kept.
    if (places.length === 0) found.protectRun(run, "alias");
    found.protectPlaces(places, "alias");
  }
  const needed = new Set<JobId>();
  for (const task of view.tasks) {
    if (isTerminalState(task.state)) continue;
    found.protectRun(task.id, "needed");
    const { places, outputs } = readsOf(task);
    found.protectPlaces(places, "needed");
    for (const run of [...outputs.map((read) => read.run), ...task.spec.needs.map((need) => need.run)]) needed.add(run);
  }
  await protectOutputsOf(repo, ports, found, { runs: [...needed], reason: "needed" });
  await protectOutputsOf(repo, ports, found, { runs: latestOfLedger(repo), reason: "ledger" });
  for (const run of [...newest.values()].flat()) found.protectPlaces(view.outputs.get(run) ?? [], "newest");
  return found;
}

async function protectOutputsOf(
  repo: Repo,
  ports: ProtectionPorts,
  found: ProtectedOutputs,
  { runs, reason }: { readonly runs: readonly JobId[]; readonly reason: ProtectionReason },
): Promise<void> {
  const outputs = await readRunOutputs(repo, ports, runs);
  for (const run of runs) found.protectPlaces(outputs.get(run) ?? [], reason);
}

/** The runs of each experiment that ended last, of all machines; times are whole seconds, so there may be several. */
function latestOfLedger(repo: Repo): readonly JobId[] {
  const latest = new Map<string, { endedMs: number; runs: JobId[] }>();
  for (const read of repo.ledger.readAll()) {
    if (read.kind !== "entry") continue;
    const { jobId, entry } = read.record;
    const experiment = entry.run_link?.experiment_id;
    if (experiment === undefined) continue;
    const endedMs = (entry.ended_at === undefined ? undefined : parseInstant(entry.ended_at)) ?? 0;
    const before = latest.get(experiment);
    if (before === undefined || endedMs > before.endedMs) latest.set(experiment, { endedMs, runs: [jobId] });
    else if (endedMs === before.endedMs) before.runs.push(jobId);
  }
  return [...latest.values()].flatMap(({ runs }) => runs);
}

/** The newest runs of each stage and element whose outputs are all there. */
function newestOfStages({ tasks, outputs }: QueueView, keepLast: number): ReadonlyMap<string, readonly JobId[]> {
  const whole = tasks.filter(
    ({ id, state }) => isSuccess(state) && outputs.get(id)?.every((output) => output.state === "present") === true,
  );
  const stages = Map.groupBy(whole, ({ spec }) => stageKeyOf(spec.stage ?? {}));
  return new Map(
    [...stages].map(([stage, own]) => {
      const newestFirst = own.toSorted((a, b) => (b.endedAt ?? 0) - (a.endedAt ?? 0) || b.seq - a.seq);
      return [stage, newestFirst.slice(0, keepLast).map(({ id }) => id)];
    }),
  );
}

/** The same for all runs of a stage and element of a pipeline. */
export function stageKeyOf(stage: Readonly<Record<string, unknown>>): string {
  return JSON.stringify([stage["pipeline"], stage["stage"], stage["element"] ?? null]);
}
