import type { LedgerRead, LedgerRecord } from "../ledger/ledger-store.ts";
import { type Exact, type ExactObject, isSameExact, toPlain } from "../model/exact-json.ts";
import { parseExactJson } from "../model/exact-json-reader.ts";
import type { JsonValue } from "../model/json.ts";
import type { JobId } from "../run/job-id.ts";
import { parameterAt } from "../run/parameters.ts";
import { matchesFilter, type RunFilter } from "../run/run-filter.ts";
import type { RunRead } from "../run/run-store.ts";
import type { Repo } from "./repo.ts";
import { rowOfEntry, rowOfRun, rowTimeMs, type RunRow } from "./run-row.ts";

/** Which runs are meant. What is absent does not restrict. */
export interface RunQuery {
  readonly experiment?: string | undefined;
  /** A hypothesis or a sub-hypothesis. */
  readonly hypothesis?: string | undefined;
  readonly statuses?: readonly string[] | undefined;
  /** Parameters that must have exactly these values: `1` is not `1.0`. */
  readonly parameters?: ExactObject | undefined;
  readonly filter?: RunFilter | undefined;
  readonly machine?: string | undefined;
  /** Only runs that are in this machine's store. */
  readonly isLocalOnly?: boolean | undefined;
  readonly sinceMs?: number | undefined;
}

/** So many unreadable runs or entries are named; the rest are counted. */
const NAMED_PROBLEMS = 5;

/**
 * Local runs and ledger entries as one list, by ascending id. A run that is in both is one row with the local facts.
 * One row at a time, so that memory stays flat. Files that cannot be read are told as warnings.
 *
 * @param onProgress told after every run that was read, whether it is wanted or not
 */
export function* listRuns(repo: Repo, query: RunQuery = {}, onProgress?: (done: number) => void): Generator<RunRow> {
  const problems: string[] = [];
  let done = 0;
  for (const { local, entry } of pairs(repo, problems)) {
    onProgress?.((done += 1));
    const row = toRow(repo, local, entry, problems);
    if (row !== undefined && isWanted(repo, row, entry, query)) yield row;
  }
  for (const problem of problems.slice(0, NAMED_PROBLEMS)) repo.warn(problem);
  const rest = problems.length - NAMED_PROBLEMS;
  if (rest > 0) repo.warn(`${rest} more cannot be read; \`aexp validate\` names all`);
}

interface Pair {
  readonly local: RunRead | undefined;
  readonly entry: (LedgerRead & { kind: "entry" }) | undefined;
}

/** Both sources come by ascending id, so one pass brings together what belongs together. */
function* pairs(repo: Repo, problems: string[]): Generator<Pair> {
  const entries = readableEntries(repo, problems);
  let next = entries.next();
  for (const local of repo.runs.exists() ? repo.runs.readAll() : []) {
    const id = local.kind === "run" ? local.run.jobId : local.jobId;
    for (; next.done !== true && next.value.record.jobId < id; next = entries.next()) {
      yield { local: undefined, entry: next.value };
    }
    const isSame = next.done !== true && next.value.record.jobId === id;
    yield { local, entry: isSame ? next.value : undefined };
    if (isSame) next = entries.next();
  }
  for (; next.done !== true; next = entries.next()) yield { local: undefined, entry: next.value };
}

function* readableEntries(repo: Repo, problems: string[]): Generator<LedgerRead & { kind: "entry" }, undefined> {
  for (const read of repo.ledger.readAll()) {
    if (read.kind === "entry") yield read;
    else problems.push(`ledger entry ${read.file} cannot be read: ${read.problem}`);
  }
}

function toRow(repo: Repo, local: RunRead | undefined, entry: Pair["entry"], problems: string[]): RunRow | undefined {
  if (local?.kind === "run") return rowOfRun(repo, local.run, entry?.record);
  if (local !== undefined) problems.push(nameProblem(local));
  return entry === undefined ? undefined : rowOfEntry(entry.record);
}

/** Most problems already name the run. */
function nameProblem({ jobId, problem }: RunRead & { kind: "unreadable" }): string {
  return problem.includes(jobId) ? problem : `run ${jobId} cannot be read: ${problem}`;
}

function isWanted(repo: Repo, row: RunRow, entry: Pair["entry"], query: RunQuery): boolean {
  const { hypothesis } = query;
  return (
    (query.experiment === undefined || row.experimentId === query.experiment) &&
    (hypothesis === undefined || row.hypothesisId === hypothesis || row.subHypothesisId === hypothesis) &&
    (query.statuses === undefined || (row.status !== undefined && query.statuses.includes(row.status))) &&
    (query.machine === undefined || row.machine === query.machine) &&
    (query.isLocalOnly !== true || row.isLocal) &&
    (query.sinceMs === undefined || rowTimeMs(row) >= query.sinceMs) &&
    (query.parameters === undefined || hasParameters(row.statePoint, query.parameters)) &&
    (query.filter === undefined ||
      matchesFilter(query.filter, {
        statePoint: row.statePoint,
        document: row.isLocal ? documentOf(repo, row.jobId) : plainEntry(entry),
      }))
  );
}

function hasParameters(statePoint: ExactObject, wanted: ExactObject): boolean {
  for (const [key, value] of wanted) {
    const actual: Exact | undefined = parameterAt(statePoint, key);
    if (actual === undefined || !isSameExact(actual, value)) return false;
  }
  return true;
}

/** The document with the keys of all writers; what the entry holds for a run of another machine. */
export function documentOf(repo: Repo, jobId: JobId): JsonValue {
  if (repo.runs.has(jobId)) return toPlain(repo.runs.readExactDocument(jobId));
  const read = repo.ledger.read(jobId);
  return plainEntry(read?.kind === "entry" ? read : undefined);
}

function plainEntry(entry: Pair["entry"]): JsonValue {
  return entry === undefined ? {} : toPlain(parseExactJson(entry.text));
}

/** One run, from this machine or, failing that, from the ledger. @throws {AexpError} `run.not_found`, `run.corrupt` */
export function rowOf(repo: Repo, jobId: JobId): { readonly row: RunRow; readonly record: LedgerRecord | undefined } {
  const read = repo.ledger.read(jobId);
  const record = read?.kind === "entry" ? read.record : undefined;
  if (record === undefined || repo.runs.has(jobId)) {
    return { row: rowOfRun(repo, repo.runs.read(jobId), record), record };
  }
  return { row: rowOfEntry(record), record };
}

/** Newest first; runs of the same second by id. */
export function newestFirst(a: RunRow, b: RunRow): number {
  return rowTimeMs(b) - rowTimeMs(a) || (a.jobId < b.jobId ? -1 : 1);
}

/**
 * The first `limit` items in an order, and how many there were. Holds about twice as many as it returns, so that
 * listing 20 of 100,000 runs needs no memory for the others.
 */
export function takeFirst<Item>(
  items: Iterable<Item>,
  limit: number,
  compare: (a: Item, b: Item) => number,
): { readonly items: readonly Item[]; readonly total: number } {
  let best: Item[] = [];
  let total = 0;
  for (const item of items) {
    total += 1;
    best.push(item);
    if (best.length > 2 * limit + 1000) best = best.toSorted(compare).slice(0, limit);
  }
  return { items: best.toSorted(compare).slice(0, limit), total };
}
