import { outputFolder } from "../output/declaration.ts";
import type { OutputRecord } from "../output/output-record.ts";
import type { BatchJob } from "../queue/queue-store.ts";
import type { NewOutput, RunOutput } from "../queue/run-output.ts";
import { toNewOutputs } from "./complete-result.ts";
import type { Repo } from "./repo.ts";
import type { StagePorts } from "./stage-ports.ts";
import { streamsOf } from "./stream-watch.ts";

/**
 * Registers the items that the streams of running jobs have got, so that others may use them before the jobs have ended.
 * The nodes have hashed and recorded them; here their records are read and nothing else. Called again it registers what
 * is new.
 *
 * @throws {AexpError} what the queue's store throws; a record that cannot be read counts as none
 */
export async function registerItems(
  repo: Repo,
  { store, outputs }: Pick<StagePorts, "store" | "outputs">,
  jobs: readonly BatchJob[],
): Promise<void> {
  const found = jobs.flatMap((job) => {
    if (job.task.state !== "running") return [];
    const items = readItems(repo, outputs, job);
    return items.length === 0 ? [] : [{ job, items }];
  });
  if (found.length === 0) return;
  const registered = await store.outputs(found.map(({ job }) => job.task.id));
  const known = new Map(registered.map((output) => [keyOf(output.run, output), output]));
  for (const { job, items } of found) {
    const news = items.filter((item) => !isSame(item, known.get(keyOf(job.task.id, item))));
    if (news.length > 0) await store.addItems(job.task.id, job.token, news);
  }
}

/** What a job's node has recorded of the streams that were declared; whoever can write to the run's folder may have written it. */
function readItems(repo: Repo, outputs: Pick<StagePorts["outputs"], "readItems">, { task }: BatchJob) {
  const streams = streamsOf(task);
  if (streams.length === 0) return [];
  const read = outputs.readItems(repo.runs.workspaceOf(task.id), task.attempt);
  if (read.state !== "recorded") return [];
  const isDeclared = ({ name, path, kind }: OutputRecord): boolean =>
    streams.some(
      (stream) =>
        stream.name === name && stream.kind === kind && path === `${outputFolder(task.attempt)}/${stream.path}`,
    );
  return read.record.outputs
    .filter(isDeclared)
    .flatMap(toNewOutputs)
    .filter(({ item }) => item !== "");
}

function keyOf(run: string, { name, item }: Pick<NewOutput, "name" | "item">): string {
  return JSON.stringify([run, name, item]);
}

/** An item of another attempt lies elsewhere. */
function isSame({ digest, stats, path }: NewOutput, known: RunOutput | undefined): boolean {
  return known?.digest === digest && known.stats === stats && known.path === path;
}
