import { toPythonJson } from "../model/exact-json.ts";
import { isJsonObject } from "../model/json.ts";
import type { JobId } from "../run/job-id.ts";
import { chosenParameters } from "../run/parameters.ts";
import { rowOf } from "./list-runs.ts";
import type { Repo } from "./repo.ts";
import type { RunRow } from "./run-row.ts";
import { codeOf, type CodeState } from "./show-run.ts";

/** Something that is not the same in both runs; absent where a run lacks it. */
export interface Change {
  readonly key: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What differs between two runs, by facet. A facet without changes is an empty list. */
export interface RunDiff {
  readonly before: RunRow;
  readonly after: RunRow;
  readonly parameters: readonly Change[];
  readonly outcome: readonly Change[];
  readonly metrics: readonly Change[];
  readonly environment: readonly Change[];
  readonly outputs: readonly Change[];
  readonly code: CodeDiff;
}

/** How the code of two runs differs. */
export interface CodeDiff {
  readonly before: CodeState;
  readonly after: CodeState;
  readonly isSame: boolean;
  /** Between the two commits; `undefined` when they are the same, or this clone lacks one of them. */
  readonly patch: string | undefined;
  /** Uncommitted changes that only one run had, or that differ. */
  readonly beforePatch: string | undefined;
  readonly afterPatch: string | undefined;
}

/** These name the run itself, so they always differ. */
const OWN_NAMES = new Set(["AEXP_JOB_ID", "AEXP_JOB_WORKSPACE", "AEXP_METRICS_FILE"]);

/** Compares two runs facet by facet. */
export async function diffRuns(repo: Repo, first: JobId, second: JobId): Promise<RunDiff> {
  const [a, b] = [sidesOf(repo, first), sidesOf(repo, second)];
  return {
    before: a.row,
    after: b.row,
    parameters: changesBetween(a.parameters, b.parameters),
    outcome: changesBetween(a.outcome, b.outcome),
    metrics: changesBetween(a.metrics, b.metrics),
    environment: changesBetween(a.environment, b.environment),
    outputs: changesBetween(a.outputs, b.outputs),
    code: await diffCode(repo, a, b),
  };
}

interface Side {
  readonly row: RunRow;
  readonly code: CodeState;
  readonly patch: string | undefined;
  readonly parameters: ReadonlyMap<string, string>;
  readonly outcome: ReadonlyMap<string, string>;
  readonly metrics: ReadonlyMap<string, string>;
  readonly environment: ReadonlyMap<string, string>;
  readonly outputs: ReadonlyMap<string, string>;
}

function sidesOf(repo: Repo, jobId: JobId): Side {
  const { row, record } = rowOf(repo, jobId);
  const attempt = row.isLocal ? (repo.runs.read(jobId).document.facts.attempt ?? 1) : 1;
  const files = row.isLocal ? repo.attempts : undefined;
  const environment = new Map([["machine", row.machine]]);
  addLeaves(environment, files?.record(jobId, attempt, "env.json"), "");
  const command = files?.record(jobId, attempt, "command.json");
  if (isJsonObject(command) && Array.isArray(command["argv"])) environment.set("command", command["argv"].join(" "));
  return {
    row,
    code: codeOf(repo, row, attempt),
    patch: files?.codePatch(jobId, attempt),
    parameters: new Map([...chosenParameters(row.statePoint)].map(([key, value]) => [key, toPythonJson(value)])),
    outcome: textMap({
      experiment: row.experimentId,
      status: row.status,
      reason: row.reason?.message ?? row.reason?.code,
      exit_code: row.exitCode,
      wallclock_s: row.wallclockS,
    }),
    metrics: textMap(row.metrics),
    environment,
    outputs: textMap(Object.fromEntries((record?.entry.outputs ?? []).map(({ name, digest }) => [name, digest]))),
  };
}

async function diffCode(repo: Repo, a: Side, b: Side): Promise<CodeDiff> {
  const [from, to] = [a.code.commit, b.code.commit];
  const isSamePatch = a.patch === b.patch;
  const needsPatch = from !== undefined && to !== undefined && from !== to;
  return {
    before: a.code,
    after: b.code,
    isSame: from === to && isSamePatch && a.code.isDirty === b.code.isDirty,
    patch: needsPatch ? await repo.history.diff(from, to) : undefined,
    beforePatch: isSamePatch ? undefined : a.patch,
    afterPatch: isSamePatch ? undefined : b.patch,
  };
}

/** Keys in the order of the first side, then those that only the second has. */
function changesBetween(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): readonly Change[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const change = { key, before: before.get(key), after: after.get(key) };
    return change.before === change.after ? [] : [change];
  });
}

/** Whether two runs differ in nothing that is recorded. */
export function isSameRun({ parameters, outcome, metrics, environment, outputs, code }: RunDiff): boolean {
  return code.isSame && [parameters, outcome, metrics, environment, outputs].every(({ length }) => length === 0);
}

function textMap(values: Readonly<Record<string, string | number | boolean | undefined>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])));
}

function addLeaves(target: Map<string, string>, value: unknown, prefix: string): void {
  if (Array.isArray(value)) {
    // A list of names, such as that of all variables: what counts is which are there.
    for (const item of value) target.set(String(item), "set");
  } else if (isJsonObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (!OWN_NAMES.has(key))
        addLeaves(target, item, Array.isArray(item) ? "" : `${prefix}${prefix === "" ? "" : "."}${key}`);
    }
  } else if (prefix !== "" && value !== undefined) {
    target.set(prefix, typeof value === "string" ? value : JSON.stringify(value));
  }
}
