import type { ExportFolder } from "../export/export-folder.ts";
import type { ExportedRun } from "../export/exported-run.ts";
import { MlflowExperiments } from "../export/mlflow-experiments.ts";
import { CurveWriter } from "../export/mlflow-curves.ts";
import { type MlflowChange, toExperimentMeta, toMlflowRun } from "../export/mlflow-run.ts";
import { toRepositoryUrl } from "../export/repository-url.ts";
import { readNote, titleOf } from "../kb/knowledge-base.ts";
import { folderOf } from "../kb/note-place.ts";
import { type ExportJob, type FormatOutcome, noRuns, orWarn } from "./export-job.ts";
import { readExportedRun } from "./read-exported-run.ts";

/** So many changed names are told; the rest are counted. */
const NAMED_CHANGES = 10;

/** Writes a folder that mlflow's file store reads. */
export async function exportMlflow(job: ExportJob, folder: ExportFolder): Promise<FormatOutcome> {
  const { repo, clean, selected } = job;
  const repositoryUrl = toRepositoryUrl(await repo.git.configValue("remote.origin.url"));
  const titles = await readTitles(job);
  const experiments = new MlflowExperiments();
  const changes = new Map<string, MlflowChange>();
  let runs = 0;
  for (const row of selected.rows(job.onProgress)) {
    const read = orWarn(job, row.jobId, () => readExportedRun(repo, row, { clean, citedBy: selected.citedBy(row) }));
    if (read !== undefined) {
      const { experiment, isNew } = experiments.of(read.run.experimentId);
      if (isNew) {
        folder.write(`${experiment.id}/meta.yaml`, toExperimentMeta(experiment, repo.clock.nowMs()));
        const title = titles.get(experiment.name);
        if (title !== undefined) folder.write(`${experiment.id}/tags/mlflow.note.content`, title);
      }
      const lines = () => (row.isLocal ? repo.attempts.metricLines(row.jobId) : []);
      const made = writeRun(folder, read.run, { experiment: experiment.id, repositoryUrl, lines });
      for (const change of made) changes.set(`${change.kind} ${change.what} ${change.from}`, change);
      runs += 1;
    }
    await job.pause();
  }
  if (runs === 0) throw noRuns();
  return { runs, notes: tellChanges([...changes.values()]) };
}

function writeRun(
  folder: ExportFolder,
  run: ExportedRun,
  options: {
    readonly experiment: string;
    readonly repositoryUrl: string | undefined;
    readonly lines: () => Iterable<string>;
  },
): readonly MlflowChange[] {
  const path = `${options.experiment}/${run.jobId}`;
  const curves = new CurveWriter(options.lines);
  const translated = toMlflowRun(run, { ...options, curves: curves.names });
  // mlflow takes no folder for a run that lacks one of these.
  for (const name of ["artifacts", "metrics", "params", "tags"]) folder.makeFolder(`${path}/${name}`);
  folder.write(`${path}/meta.yaml`, translated.meta);
  for (const [name, value] of translated.parameters) folder.write(`${path}/params/${name}`, value);
  for (const [name, value] of translated.tags) folder.write(`${path}/tags/${name}`, value);
  for (const { name, line } of translated.metrics.values()) folder.write(`${path}/metrics/${name}`, line);
  const renamed = curves.write(run, translated.metricNames, (name, text) =>
    folder.append(`${path}/metrics/${name}`, text),
  );
  return [...translated.changes, ...renamed];
}

/** Titles of experiments by id. */
async function readTitles({ repo, clean }: ExportJob): Promise<ReadonlyMap<string, string>> {
  const titles = new Map<string, string>();
  for (const path of repo.notes.list(folderOf("experiment"), "flat").files) {
    const note = await readNote(repo.notes, path);
    if (note.type === "artifact" && !titles.has(note.id)) titles.set(note.id, clean.text(titleOf(note)));
  }
  return titles;
}

function tellChanges(changes: readonly MlflowChange[]): readonly string[] {
  const told = changes
    .slice(0, NAMED_CHANGES)
    .map(({ kind, what, from, to }) =>
      kind === "renamed"
        ? `mlflow takes no ${what} named ${JSON.stringify(from)}: it is ${JSON.stringify(to)}`
        : `the ${what} ${JSON.stringify(from)} is cut to ${to}, which is the most that mlflow takes`,
    );
  const rest = changes.length - told.length;
  return rest > 0 ? [...told, `${rest} more names or values were changed for mlflow`] : told;
}
