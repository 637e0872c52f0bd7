import type { PlannedSubmission, Submission } from "../../app/submission.ts";
import { chosenParameters, varyingKeys } from "../../run/parameters.ts";
import type { JobId } from "../../run/job-id.ts";
import type { Screen } from "../screen.ts";
import type { Style } from "./paint.ts";
import { plural } from "./plural.ts";
import { shortIdLength } from "./run-list.ts";
import { type Column, renderTable } from "./table.ts";
import { renderCount, renderValue } from "./value.ts";

/** More runs than these are counted only. */
const MAX_RUNS = 20;

/** A submission as `--json` prints it. */
export interface SubmissionJson {
  /** The group; `null` when nothing was queued. */
  readonly group: string | null;
  readonly queued: number;
  readonly dry_run: boolean;
  readonly runs: readonly RunJson[];
}

interface RunJson {
  readonly job_id: JobId;
  readonly experiment_id: string;
  readonly outcome: "queued" | "complete" | "pending" | "recommit";
  readonly name?: string;
  /** Of a pending run. */
  readonly status?: string;
  /** Of a run that is complete elsewhere. */
  readonly machine?: string;
  /** The run that is pending in its place. */
  readonly pending_job_id?: JobId;
}

export function toSubmissionJson({ group, runs }: Submission, isDryRun: boolean): SubmissionJson {
  const queued = runs.filter(({ verdict }) => verdict.kind === "queue").length;
  return { group: queued === 0 ? null : group.id, queued, dry_run: isDryRun, runs: runs.map(toRunJson) };
}

function toRunJson({ run, entry, verdict }: PlannedSubmission): RunJson {
  const { jobId: job_id } = run;
  const common = {
    job_id,
    experiment_id: entry.run.experimentId,
    ...(entry.name === undefined ? {} : { name: entry.name }),
  };
  switch (verdict.kind) {
    case "queue":
      return { ...common, outcome: "queued" };
    case "complete":
      return { ...common, outcome: "complete", ...(verdict.machine === undefined ? {} : { machine: verdict.machine }) };
    case "pending":
      return { ...common, outcome: "pending", status: verdict.status };
    case "twin":
      return { ...common, outcome: "recommit", pending_job_id: verdict.of };
  }
}

/** The first runs, a line each, and how many were queued in which group. */
export function renderSubmission({ group, runs }: Submission, screen: Screen, isDryRun: boolean): string {
  const shown = runs.slice(0, MAX_RUNS);
  const rest = runs.length - shown.length;
  const table = renderTable(columnsFor(shown, runs), shown, { width: screen.width, color: screen.color });
  return [
    table,
    ...(rest > 0 ? [`… and ${renderCount(rest)} more`] : []),
    [renderTotal(runs, group.id, isDryRun), ...renderOthers(runs)].join("; "),
  ].join("\n");
}

function renderTotal(runs: readonly PlannedSubmission[], groupId: string, isDryRun: boolean): string {
  const count = runs.filter(({ verdict }) => verdict.kind === "queue").length;
  if (count === 0) return "nothing to queue";
  const what = plural(count, "run");
  return isDryRun ? `would queue ${what}` : `queued ${what} as group ${groupId}`;
}

function renderOthers(runs: readonly PlannedSubmission[]): string[] {
  const count = (kind: PlannedSubmission["verdict"]["kind"]): number =>
    runs.filter(({ verdict }) => verdict.kind === kind).length;
  const counts = [
    [count("complete"), "complete already (--force queues them again)"],
    [count("pending"), "in progress already"],
    [count("twin"), "pending from another commit (--allow-dup-on-recommit queues them as well)"],
  ] as const;
  return counts.flatMap(([n, words]) => (n === 0 ? [] : [`${renderCount(n)} ${words}`]));
}

function columnsFor(
  shown: readonly PlannedSubmission[],
  all: readonly PlannedSubmission[],
): readonly Column<PlannedSubmission>[] {
  const idLength = shortIdLength(all.map(({ run }) => run.jobId).toSorted());
  const parameters = new Map(shown.map((row) => [row, chosenParameters(row.run.statePoint)]));
  const keys =
    shown.length === 1
      ? [...parameters.values()].flatMap((one) => [...one.keys()])
      : varyingKeys([...parameters.values()]);
  const hasNames = shown.some(({ entry }) => entry.name !== undefined);
  return [
    { name: "id", isFixed: true, value: ({ run }) => run.jobId.slice(0, idLength) },
    { name: "experiment", value: ({ entry }) => entry.run.experimentId },
    ...(hasNames ? [{ name: "name", value: ({ entry }: PlannedSubmission) => entry.name ?? "" }] : []),
    ...keys.map((key): Column<PlannedSubmission> => ({
      name: key,
      value: (row) => renderValue(parameters.get(row)?.get(key)),
    })),
    {
      name: "outcome",
      isFixed: true,
      value: ({ verdict }) => renderVerdict(verdict),
      style: ({ verdict }) => STYLES[verdict.kind],
    },
  ];
}

const STYLES: Readonly<Record<PlannedSubmission["verdict"]["kind"], Style>> = {
  queue: "cyan",
  complete: "green",
  pending: "dim",
  twin: "yellow",
};

function renderVerdict(verdict: PlannedSubmission["verdict"]): string {
  switch (verdict.kind) {
    case "queue":
      return "queued";
    case "complete":
      return `complete already${verdict.machine === undefined ? "" : ` on ${verdict.machine}`}`;
    case "pending":
      return `${verdict.status} already`;
    case "twin":
      return `pending as ${verdict.of.slice(0, 8)}`;
  }
}
