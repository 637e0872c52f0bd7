import { isDigest } from "../output/digest.ts";
import type { OutputStore } from "../output/output-store.ts";
import type { OutputRecord } from "../output/output-record.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { RunOutput } from "../queue/run-output.ts";
import { isSuccess } from "../queue/transitions.ts";
import type { RunFacts } from "../run/document.ts";
import { isJobId, type JobId } from "../run/job-id.ts";
import { findOutputRecord } from "./check-run-output.ts";
import type { Repo } from "./repo.ts";

/** What runs of before are asked of. */
export interface RunOutputPorts {
  readonly store: Pick<QueueStore, "outputs" | "tasks">;
  readonly outputs: Pick<OutputStore, "read">;
}

/**
 * The outputs of runs that have succeeded. Of a run that the queue does not know, because its database was lost or has
 * forgotten it, the document and the records of its attempts tell; both are on this machine only.
 *
 * @returns by run; a run without outputs is not among them
 */
export async function readRunOutputs(
  repo: Repo,
  { store, outputs }: RunOutputPorts,
  runs: readonly JobId[],
): Promise<ReadonlyMap<JobId, readonly RunOutput[]>> {
  const found = Map.groupBy(await store.outputs(runs), ({ run }) => run);
  const without = runs.filter((run) => !found.has(run));
  if (without.length === 0) return found;
  const known = new Set((await store.tasks({ ids: without })).map(({ id }) => id));
  for (const run of without) {
    const recorded = known.has(run) ? [] : readRecorded(repo, outputs, run);
    if (recorded.length > 0) found.set(run, [...recorded]);
  }
  return found;
}

/** Those of some runs that have succeeded; see {@link readRunOutputs}. */
export async function findSucceeded(
  repo: Repo,
  { store }: Pick<RunOutputPorts, "store">,
  runs: readonly JobId[],
): Promise<ReadonlySet<JobId>> {
  const tasks = new Map((await store.tasks({ ids: runs })).map(({ id, state }) => [id, state]));
  return new Set(
    runs.filter((run) => {
      const state = tasks.get(run);
      return state === undefined ? factsOf(repo, run)?.status === "complete" : isSuccess(state);
    }),
  );
}

function factsOf(repo: Repo, run: JobId): RunFacts | undefined {
  return repo.runs.has(run) ? repo.runs.read(run).document.facts : undefined;
}

function readRecorded(repo: Repo, outputs: Pick<OutputStore, "read">, run: JobId): readonly RunOutput[] {
  const facts = factsOf(repo, run);
  if (facts?.status !== "complete") return [];
  const from = facts.stage?.cached_from;
  if (from !== undefined) return isJobId(from) ? readShared(repo, outputs, { run, from, facts }) : [];
  const read = outputs.read(repo.runs.workspaceOf(run), facts.attempt ?? 1);
  return read.state === "recorded" ? read.record.outputs.flatMap((record) => toRunOutputs(repo, run, run, record)) : [];
}

/** The outputs of a run that has those of another one. */
function readShared(
  repo: Repo,
  outputs: Pick<OutputStore, "read">,
  { run, from, facts }: { readonly run: JobId; readonly from: JobId; readonly facts: RunFacts },
): readonly RunOutput[] {
  return Object.values(facts.outputs ?? {}).flatMap((output) => {
    if (output === undefined || !isDigest(output.digest)) return [];
    const record = findOutputRecord(repo, outputs, { holder: from, path: output.path, digest: output.digest });
    return record === undefined ? [] : toRunOutputs(repo, run, from, record);
  });
}

/** An output, and after it the items of a stream. */
function toRunOutputs(repo: Repo, run: JobId, holder: JobId, record: OutputRecord): readonly RunOutput[] {
  const { name, kind, digest, bytes, files, path, stats, items = [] } = record;
  const place = { run, holder, machine: repo.machineLabel, state: "present", checkedAt: 0 } as const;
  const whole = { name, item: "", kind, digest, bytes, files, path, stats, ...place };
  return [whole, ...items.map((item) => ({ name, kind, ...item, ...place }))];
}
