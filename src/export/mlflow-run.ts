import { parseInstant } from "../model/clock.ts";
import { compareCodePoints, ExactNumber } from "../model/exact-json.ts";
import { chosenParameters } from "../run/parameters.ts";
import { codeOfRun, type ExportedRun, reasonText, toCellText } from "./exported-run.ts";
import { MlflowNames } from "./mlflow-names.ts";

/** The longest value of a parameter and of a tag, in characters. Source: `mlflow/utils/validation.py` of mlflow 3.17. */
const MAX_PARAMETER = 6000;
const MAX_TAG = 8000;

/** A name or value that could not stay as it is. */
export interface MlflowChange {
  readonly kind: "renamed" | "shortened";
  readonly what: "parameter" | "metric" | "tag";
  readonly from: string;
  readonly to: string;
}

/** A run as mlflow's file store keeps it, but for the points of its metrics over time. */
export interface MlflowRun {
  /** The text of `meta.yaml`. */
  readonly meta: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly tags: ReadonlyMap<string, string>;
  /** Last values by the name in aexp, for metrics without a curve. */
  readonly metrics: ReadonlyMap<string, { readonly name: string; readonly line: string }>;
  /** Gives the metrics of the curve names beside those of {@link metrics}. */
  readonly metricNames: MlflowNames;
  readonly changes: readonly MlflowChange[];
}

/** mlflow's numbers for `SCHEDULED`, `RUNNING`, `FINISHED`, `FAILED` and `KILLED`. */
const STATUS: Readonly<Record<string, number>> = {
  created: 2,
  queued: 2,
  running: 1,
  finalizing: 1,
  complete: 3,
  cached: 3,
  failed: 4,
  stopped: 5,
  abandoned: 5,
  skipped: 5,
};
const SCHEDULED = 2;

/**
 * Translates a run. Source of the layout: `mlflow/store/tracking/file_store.py` of mlflow 2.22 and 3.17.
 *
 * @param experiment mlflow's id of the experiment
 * @param repositoryUrl where the code lives, if others can use it
 * @param curves names of the metrics of which the points are known
 */
export function toMlflowRun(
  run: ExportedRun,
  options: {
    readonly experiment: string;
    readonly repositoryUrl: string | undefined;
    readonly curves: ReadonlySet<string>;
  },
): MlflowRun {
  const changes: MlflowChange[] = [];
  const rename = (names: MlflowNames, what: MlflowChange["what"], from: string): string => {
    const to = names.take(from);
    if (to !== from) changes.push({ kind: "renamed", what, from, to });
    return to;
  };
  const shorten = (what: MlflowChange["what"], name: string, value: string, limit: number): string => {
    if (value.length <= limit) return value;
    changes.push({ kind: "shortened", what, from: name, to: `${limit} characters` });
    return value.slice(0, limit).toWellFormed();
  };
  const parameterNames = new MlflowNames();
  const parameters = byName(chosenParameters(run.statePoint)).map(
    ([key, value]) =>
      [rename(parameterNames, "parameter", key), shorten("parameter", key, toCellText(value), MAX_PARAMETER)] as const,
  );
  const tagNames = new MlflowNames();
  const tags = tagsOf(run, options.repositoryUrl).map(
    ([name, value]) => [rename(tagNames, "tag", name), shorten("tag", name, value, MAX_TAG)] as const,
  );
  const metricNames = new MlflowNames();
  const atMs = timeMs(run.endedAt) ?? startMs(run);
  const metrics = byName(run.metrics).flatMap(([name, value]) =>
    value instanceof ExactNumber && !options.curves.has(name)
      ? [[name, { name: rename(metricNames, "metric", name), line: metricLine(atMs, value.text, 0) }] as const]
      : [],
  );
  return {
    meta: metaOf(run, options.experiment),
    parameters: new Map(parameters),
    tags: new Map(tags),
    metrics: new Map(metrics),
    metricNames,
    changes,
  };
}

/** One point: milliseconds since the epoch, value, step. */
export function metricLine(atMs: number, value: string, step: number): string {
  return `${atMs} ${value} ${step}\n`;
}

/** When a run began, in epoch milliseconds; mlflow wants to know of every run. */
export function startMs({ startedAt, createdAt, endedAt }: ExportedRun): number {
  return timeMs(startedAt) ?? timeMs(createdAt) ?? timeMs(endedAt) ?? 0;
}

/** The `meta.yaml` of an experiment. */
export function toExperimentMeta(experiment: { readonly id: string; readonly name: string }, nowMs: number): string {
  return toYaml({
    artifact_location: `mlflow-artifacts:/${experiment.id}`,
    creation_time: nowMs,
    experiment_id: experiment.id,
    last_update_time: nowMs,
    lifecycle_stage: "active",
    name: experiment.name,
  });
}

function metaOf(run: ExportedRun, experiment: string): string {
  const { status, jobId } = run;
  return toYaml({
    // An address that every server can resolve, where an absolute path would only be right on this machine.
    artifact_uri: `mlflow-artifacts:/${experiment}/${jobId}/artifacts`,
    end_time: timeMs(run.endedAt) ?? null,
    entry_point_name: "",
    experiment_id: experiment,
    lifecycle_stage: "active",
    run_id: jobId,
    run_name: jobId.slice(0, 8),
    run_uuid: jobId,
    source_name: "",
    source_type: 4,
    source_version: "",
    start_time: startMs(run),
    status: status !== undefined && Object.hasOwn(STATUS, status) ? (STATUS[status] ?? SCHEDULED) : SCHEDULED,
    tags: [],
    user_id: "unknown",
  });
}

function tagsOf(run: ExportedRun, repositoryUrl: string | undefined): readonly (readonly [string, string])[] {
  const { commit, isDirty } = codeOfRun(run);
  const words = [run.status ?? "no status", reasonText(run)].filter((part) => part !== undefined).join(": ");
  const cited = run.citedBy.length === 0 ? "" : ` Cited by ${run.citedBy.join(", ")}.`;
  const tags: readonly (readonly [string, string | undefined])[] = [
    ["mlflow.runName", run.jobId.slice(0, 8)],
    ["mlflow.source.type", "LOCAL"],
    ["mlflow.source.git.commit", commit],
    ["mlflow.source.git.dirty", commit === undefined ? undefined : String(isDirty)],
    ["mlflow.source.git.repoURL", commit === undefined ? undefined : repositoryUrl],
    ["mlflow.note.content", `aexp run ${run.jobId}, ${words}.${cited}`],
    ["aexp.run_id", run.jobId],
    ["aexp.status", run.status],
    ["aexp.reason", reasonText(run)],
    ["aexp.machine", run.machine],
    ["aexp.experiment_id", run.experimentId],
    ["aexp.hypothesis_id", run.hypothesisId],
    ["aexp.sub_hypothesis_id", run.subHypothesisId],
    ["aexp.created_at", run.createdAt],
    ["aexp.wallclock_s", run.wallclockS === undefined ? undefined : String(run.wallclockS)],
    ["aexp.exit_code", run.exitCode === undefined ? undefined : String(run.exitCode)],
    ["aexp.cited_by", run.citedBy.length === 0 ? undefined : run.citedBy.join(", ")],
    ...run.outputs.map(({ name, digest, bytes }) => [`aexp.output.${name}`, `${digest} (${bytes} bytes)`] as const),
    // mlflow's metrics are numbers.
    ...[...run.metrics].flatMap(([name, value]) =>
      value instanceof ExactNumber ? [] : [[`aexp.metric.${name}`, String(value)] as const],
    ),
  ];
  return tags.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

/** Which of two names has to give way must not depend on where the run was read from. */
function byName<Value>(values: ReadonlyMap<string, Value>): readonly (readonly [string, Value])[] {
  return [...values].toSorted(([a], [b]) => compareCodePoints(a, b));
}

function timeMs(instant: string | undefined): number | undefined {
  return instant === undefined ? undefined : parseInstant(instant);
}

/** JSON strings are YAML's double-quoted ones once what YAML calls unprintable is escaped. */
function toYaml(fields: Readonly<Record<string, string | number | null | readonly []>>): string {
  return Object.entries(fields)
    .map(([key, value]) => `${key}: ${typeof value === "string" ? quote(value) : JSON.stringify(value)}\n`)
    .join("");
}

function quote(text: string): string {
  return JSON.stringify(text.toWellFormed()).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
