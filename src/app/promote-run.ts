import { findUnrepresentable, isSameEntry, keepForeignKeys, projectEntry } from "../ledger/entry.ts";
import { findLeaks, type Leak } from "../ledger/leak.ts";
import type { LedgerRead } from "../ledger/ledger-store.ts";
import { mergeEntries } from "../ledger/merge.ts";
import { toInstant } from "../model/clock.ts";
import { AexpError, messageOf } from "../model/errors.ts";
import { type Exact, type ExactObject, toSortedPrettyJson } from "../model/exact-json.ts";
import { parseExactObject } from "../model/exact-json-reader.ts";
import type { JobId } from "../run/job-id.ts";
import type { Repo } from "./repo.ts";
import { resolveJobId } from "./resolve-run.ts";

/** How a run is promoted. */
export interface PromoteOptions {
  /** Names the machine in the entry, also when the entry there names another. */
  readonly machineLabel?: string | undefined;
  /** Commits texts that begin with a folder of this machine; recorded in the entry. */
  readonly allowLocalPath?: boolean | undefined;
  /** Replaces an entry that cannot be read; one with conflict markers never. */
  readonly replaceMalformed?: boolean | undefined;
  /** Finds out what would happen, and writes nothing. */
  readonly dryRun?: boolean | undefined;
  /** `later` leaves it to the caller to flush the ledger. */
  readonly durability?: "each" | "later" | undefined;
}

/**
 * Writes the ledger entry of a finished run. Promoting the same document again changes no byte.
 *
 * An outcome that another machine recorded for the same run is kept: the two are merged as git would merge them.
 *
 * @throws {AexpError} `ledger.not_terminal`, `ledger.leaks_local_path`, `ledger.leaks_credential`,
 *   `ledger.not_representable`, `ledger.entry_malformed`, `ledger.folder_unsafe`, and what reading the run throws
 */
export async function promoteRun(
  repo: Repo,
  jobId: JobId,
  options: PromoteOptions = {},
): Promise<"written" | "unchanged"> {
  const { redact } = await repo.readConfig();
  const run = { jobId, ...repo.runs.readExact(jobId) };
  const existing = readExisting(repo, jobId, options.replaceMalformed === true);
  const text = prepareEntry(repo, run, existing, { ...options, redact });
  if (text === undefined) return "unchanged";
  if (options.dryRun !== true) await repo.ledger.write(jobId, text, options.durability ?? "each");
  return "written";
}

/** A run as it is promoted: everything in its two files. */
export interface PromotableRun {
  readonly jobId: JobId;
  readonly statePoint: ExactObject;
  readonly document: ExactObject;
}

/**
 * The text of the entry that a run should have, or `undefined` when `existing` says the same already.
 *
 * @throws {AexpError} as {@link promoteRun}
 */
export function prepareEntry(
  repo: Repo,
  run: PromotableRun,
  existing: ExactObject | undefined,
  options: PromoteOptions & { readonly redact: readonly RegExp[] },
): string | undefined {
  const fresh = project(repo, run, existing, options);
  const entry = existing === undefined ? fresh : withExisting(repo, fresh, existing, options);
  checkRepresentable(run.jobId, entry);
  checkLeaks(repo, run.jobId, entry, options.redact);
  return existing !== undefined && isSameEntry(entry, existing) ? undefined : toSortedPrettyJson(entry);
}

/** How the promotion of one of several runs went. */
export interface PromotedRun {
  /** The job id, or what the user wrote where that names no run. */
  readonly run: string;
  readonly outcome: "written" | "unchanged" | "failed";
  /** Why it failed. */
  readonly code?: string;
  readonly message?: string;
}

/** Promotes the runs that the user names, one after the other; one that fails does not stop the others. */
export async function promoteRuns(
  repo: Repo,
  names: readonly string[],
  options: PromoteOptions = {},
): Promise<PromotedRun[]> {
  const runs: PromotedRun[] = [];
  for (const name of names) {
    let run = name;
    try {
      const jobId = resolveJobId(repo, name);
      run = jobId;
      runs.push({ run, outcome: await promoteRun(repo, jobId, options) });
    } catch (error) {
      if (!(error instanceof AexpError) || names.length === 1) throw error;
      runs.push({ run, outcome: "failed", code: error.code, message: messageOf(error) });
    }
  }
  return runs;
}

function project(
  repo: Repo,
  { jobId, statePoint, document }: PromotableRun,
  existing: ExactObject | undefined,
  options: PromoteOptions,
): ExactObject {
  const isLocalPathAllowed =
    options.allowLocalPath === true ||
    document.get("local_path_allowed") === true ||
    existing?.get("local_path_allowed") === true;
  const entry = projectEntry({
    jobId,
    statePoint,
    document,
    isLocalPathAllowed,
    machineLabel: options.machineLabel ?? repo.machineLabel,
    promotedAt: toInstant(repo.clock.nowMs()),
  });
  if (entry !== undefined) return entry;
  const status = document.get("status");
  throw new AexpError(
    `run ${jobId} is ${typeof status === "string" ? JSON.stringify(status) : "without a status"}, not finished: only complete, failed, stopped and abandoned runs have a ledger entry`,
    { code: "ledger.not_terminal", hint: `See where it stands with \`aexp runs show ${jobId}\`.` },
  );
}

/** The entry that is to stand: the fresh projection, with what only the existing entry knows. */
function withExisting(repo: Repo, fresh: ExactObject, existing: ExactObject, options: PromoteOptions): ExactObject {
  const label = existing.get("registered_machine");
  if (options.machineLabel !== undefined || typeof label !== "string" || label === repo.machineLabel) {
    return keepForeignKeys(fresh, existing);
  }
  // Another machine wrote the entry. The same execution keeps its label; another execution is another outcome.
  const isSameExecution = isSameText(fresh, existing, "started_at") && isSameText(fresh, existing, "ended_at");
  if (!isSameExecution) return mergeEntries(existing, fresh);
  return keepForeignKeys(new Map([...fresh, ["registered_machine", label]]), existing);
}

function isSameText(a: ExactObject, b: ExactObject, key: string): boolean {
  return a.get(key) === b.get(key);
}

/** The entry that stands now. @throws {AexpError} `ledger.entry_malformed` */
export function readExisting(repo: Repo, jobId: JobId, replaceMalformed: boolean): ExactObject | undefined {
  const read = repo.ledger.read(jobId);
  if (read === undefined) return undefined;
  if (read.kind === "entry") return parseExactObject(read.text);
  if (replaceMalformed && read.cause !== "conflict_markers") return undefined;
  throw malformedEntry(read);
}

/** An entry that was asked for and cannot be read, with what helps. */
export function malformedEntry(read: Extract<LedgerRead, { kind: "malformed" }>): AexpError {
  return new AexpError(`the entry ${read.file} cannot be read: ${read.problem}. It was not touched`, {
    code: "ledger.entry_malformed",
    hint:
      read.cause === "conflict_markers"
        ? "Run `aexp ledger resolve`."
        : "Restore it with git, or replace it with `aexp ledger backfill --overwrite`.",
  });
}

function checkRepresentable(jobId: JobId, entry: ExactObject): void {
  const found = findUnrepresentable(entry, "");
  if (found === undefined) return;
  const [path, text] = found;
  throw new AexpError(`run ${jobId} cannot have a ledger entry: ${path.slice(1)} is ${text}, which JSON cannot write`, {
    code: "ledger.not_representable",
    hint: "Register such a run with a text or null in place of the number.",
  });
}

function checkLeaks(repo: Repo, jobId: JobId, entry: ExactObject, redact: readonly RegExp[]): void {
  const places = { root: repo.root, runStore: repo.runs.path, home: repo.home };
  const leaks = findLeaks(withoutIdentity(entry), places, redact);
  const credential = leaks.find((leak) => leak.kind === "credential");
  if (credential !== undefined) {
    throw new AexpError(`run ${jobId} is not committed: ${describe(credential)}`, {
      code: "ledger.leaks_credential",
      hint: "Take the secret out of the parameters and metrics, and revoke it if others may have seen it.",
    });
  }
  const [path] = leaks;
  if (path === undefined || entry.get("local_path_allowed") === true) return;
  throw new AexpError(`run ${jobId} is not committed: ${describe(path)}`, {
    code: "ledger.leaks_local_path",
    hint: "Use a path relative to the repository, or promote it with --allow-local-path.",
  });
}

function describe(leak: Leak): string {
  return `${leak.path} ${leak.problem}`;
}

/** Without the keys whose values we make ourselves, so that a `redact` pattern cannot match a hash. */
function withoutIdentity(entry: ExactObject): Exact {
  return new Map([...entry].filter(([key]) => key !== "job_id" && key !== "schema_version" && key !== "promoted_at"));
}
