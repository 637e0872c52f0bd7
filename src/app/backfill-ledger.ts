import { AexpError, messageOf } from "../model/errors.ts";
import type { JobId } from "../run/job-id.ts";
import { isRunStatus, isTerminal } from "../run/run-status.ts";
import { prepareEntry, readExisting } from "./promote-run.ts";
import type { Repo } from "./repo.ts";

/** What a backfill does. */
export interface BackfillOptions {
  readonly machineLabel?: string | undefined;
  /** Promotes runs again that have an entry, and replaces entries that cannot be read. */
  readonly overwrite?: boolean | undefined;
  readonly allowLocalPath?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  /** Called after each run that was looked at. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A run that could not be promoted. */
export interface PromotionFailure {
  readonly jobId: JobId;
  readonly code: string;
  readonly message: string;
}

/** How a backfill went. */
export interface BackfillOutcome {
  /** Runs whose entry was written. */
  readonly promoted: JobId[];
  /** Finished runs whose entry already stood, and stays as it is. */
  readonly skipped: number;
  readonly failed: readonly PromotionFailure[];
}

/**
 * Promotes every finished local run that has no ledger entry. A run that cannot be promoted is named, and the others
 * go on. Calling it again after it was killed finishes the work.
 *
 * @throws {AexpError} `ledger.folder_unsafe`, `store.unsupported`, `config.invalid`
 */
export async function backfillLedger(repo: Repo, options: BackfillOptions = {}): Promise<BackfillOutcome> {
  const promoted: JobId[] = [];
  const failed: PromotionFailure[] = [];
  let skipped = 0;
  const jobIds = repo.runs.exists() ? repo.runs.listJobIds() : [];
  const present = new Set(repo.ledger.listJobIds());
  // A configuration that is wrong is one failure, not one for each run.
  const { redact } = await repo.readConfig();

  try {
    for (const [index, jobId] of jobIds.entries()) {
      try {
        const hasEntry = present.has(jobId);
        if (hasEntry && options.overwrite !== true) skipped += 1;
        else {
          const outcome = await promoteFinished(repo, jobId, hasEntry, { ...options, redact });
          if (outcome === "written") promoted.push(jobId);
          else if (outcome === "unchanged") skipped += 1;
        }
      } catch (error) {
        failed.push(toFailure(jobId, error));
      }
      options.onProgress?.(index + 1, jobIds.length);
    }
  } finally {
    await repo.ledger.flush();
  }
  return { promoted, skipped, failed };
}

async function promoteFinished(
  repo: Repo,
  jobId: JobId,
  hasEntry: boolean,
  options: BackfillOptions & { readonly redact: readonly RegExp[] },
): Promise<"written" | "unchanged" | "unfinished"> {
  const run = { jobId, ...repo.runs.readExact(jobId) };
  const status = run.document.get("status");
  if (typeof status !== "string" || !isRunStatus(status) || !isTerminal(status)) return "unfinished";
  const existing = hasEntry ? readExisting(repo, jobId, options.overwrite === true) : undefined;
  const text = prepareEntry(repo, run, existing, options);
  if (text === undefined) return "unchanged";
  if (options.dryRun !== true) await repo.ledger.write(jobId, text, "later");
  return "written";
}

function toFailure(jobId: JobId, error: unknown): PromotionFailure {
  if (error instanceof AexpError) return { jobId, code: error.code, message: error.message };
  return { jobId, code: "bug", message: messageOf(error) };
}
