import { join } from "node:path";

import type { RecordedCode, ReproductionPlace } from "../code/reproduction-place.ts";
import type { Tolerances } from "../code/tolerance.ts";
import type { AttemptEnd, AttemptOutput, Executor, RunningAttempt } from "../executor/executor.ts";
import { toPythonJson } from "../model/exact-json.ts";
import type { OutputStore } from "../output/output-store.ts";
import type { AttemptFiles } from "../run/attempt-files.ts";
import type { JobId } from "../run/job-id.ts";
import { checkTolerances, compareResults, type ResultComparison } from "./compare-reproduction.ts";
import { moveCommand, type MovedCommand } from "./moved-command.ts";
import { type RecordedRun, readRecordedRun, type RecordOverrides, type RecordPorts } from "./recorded-run.ts";
import type { Repo } from "./repo.ts";
import type { RunRow } from "./run-row.ts";

/** What a run is reproduced with. */
export interface ReproducePorts extends RecordPorts {
  readonly outputs: Pick<OutputStore, "read" | "verify">;
  /** Executes in a workspace of its own instead of the run's folder. */
  readonly executorIn: (workspace: string) => Executor;
  readonly attemptsIn: (workspace: string) => AttemptFiles;
}

/** How a run is reproduced. */
export interface ReproduceOptions extends RecordOverrides {
  readonly tolerances: Tolerances;
  readonly isKept: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly heartbeatMs: number;
  readonly graceMs: number;
  readonly output: AttemptOutput;
  /** Told before the program starts. */
  readonly onPlace: (place: ReproductionPlace, run: RecordedRun) => void;
  /** Told once it runs, so that a signal can end it. */
  readonly onStart: (attempt: RunningAttempt) => void;
}

/** What was executed again. */
export interface ReproducedRun {
  readonly row: RunRow;
  readonly code: RecordedCode;
  readonly argv: readonly string[];
  readonly wallclockS: number;
  /** What one has to know to judge the result. */
  readonly notes: readonly string[];
  /** Where it is, when it was kept. */
  readonly folder: string | undefined;
}

/** What came of it; without a comparison when it was interrupted. */
export interface Reproduction extends ReproducedRun {
  readonly comparison: ResultComparison | undefined;
}

/**
 * Executes a run again, from the code, the command and the inputs that are on record, and compares what comes of it.
 * Nothing of the run itself is written: the program works in a place of its own, which is deleted afterwards unless it is
 * to be kept; of a different result all but the code is.
 *
 * @throws {AexpError} `reproduce.*`, `code.unavailable`, `run.not_found`, `run.corrupt`, `git.failed`, `environment.*`, and
 *   `cli.usage` for a tolerance of a metric that the run has not
 */
export async function reproduceRun(
  repo: Repo,
  ports: ReproducePorts,
  jobId: JobId,
  options: ReproduceOptions,
): Promise<Reproduction> {
  const run = await readRecordedRun(repo, ports, jobId, options);
  checkTolerances(run.result, options.tolerances);
  const { row, code } = run;
  const statePoint = toPythonJson(row.statePoint);
  const place = await ports.places.open({ jobId, startedAtMs: repo.clock.nowMs(), code, statePoint });
  let isResultKept = false;
  try {
    options.onPlace(place, run);
    const command = moveCommand(run.command, place, code.kind === "tree" ? code.tree : undefined);
    const end = await execute(ports, { run, place, command }, options);
    const comparison = end.cause.kind === "stopped" ? undefined : await compare(ports, { run, place, end }, options);
    isResultKept = comparison?.likeness === "different";
    const folder = options.isKept || isResultKept ? place.folder : undefined;
    const notes = [...run.notes, ...notesOn(place, command)];
    return { row, code, argv: command.argv, wallclockS: end.wallclockS, notes, folder, comparison };
  } finally {
    await place.close(options.isKept ? "everything" : isResultKept ? "results" : "nothing");
  }
}

interface Execution {
  readonly run: RecordedRun;
  readonly place: ReproductionPlace;
  readonly command: MovedCommand;
}

async function execute(
  ports: ReproducePorts,
  { run, place, command }: Execution,
  options: ReproduceOptions,
): Promise<AttemptEnd> {
  const { workspace } = place;
  const { jobId } = run.row;
  if (!command.isOutside) place.makeFolder(command.cwd); // git does not keep empty folders
  for (const { path } of run.result.outputs) place.makeFolder(join(workspace, path, ".."));
  const running = await ports.executorIn(workspace).start(
    {
      jobId,
      attempt: run.attempt,
      argv: command.argv,
      cwd: command.cwd,
      env: {
        ...options.env,
        ...Object.fromEntries(run.stage?.env ?? []),
        // Set by a git that runs us as its hook, they would lead git to another repository than the place.
        GIT_DIR: undefined,
        GIT_WORK_TREE: undefined,
        GIT_INDEX_FILE: undefined,
        PWD: command.cwd,
        AEXP_JOB_ID: jobId,
        AEXP_ATTEMPT: String(run.attempt),
        AEXP_JOB_WORKSPACE: workspace,
        AEXP_METRICS_FILE: `${workspace}/.aexp/metrics.jsonl`,
      },
      codePatch: undefined,
      timeoutMs: run.command.timeoutMs,
      heartbeatMs: options.heartbeatMs,
      graceMs: options.graceMs,
    },
    options.output,
  );
  options.onStart(running);
  return await running.ended;
}

async function compare(
  ports: ReproducePorts,
  { run, place, end }: Pick<Execution, "run" | "place"> & { readonly end: AttemptEnd },
  { tolerances }: ReproduceOptions,
): Promise<ResultComparison> {
  const { workspace } = place;
  const metricLines = ports.attemptsIn(workspace).metricLines(run.row.jobId);
  return await compareResults(ports.outputs, run.result, { end, metricLines, workspace }, tolerances);
}

function notesOn(place: ReproductionPlace, command: MovedCommand): readonly string[] {
  const outside = `it works in ${command.cwd}, outside of the repository, where everything is as it is now`;
  return [
    ...(command.isOutside ? [outside] : []),
    ...place.missingSubmodules.map((path) => `the submodule ${path} is not cloned here, so its folder is empty`),
  ];
}
