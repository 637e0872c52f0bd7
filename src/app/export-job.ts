import type { Sanitizer } from "../export/sanitize.ts";
import { AexpError, messageOf } from "../model/errors.ts";
import type { JobId } from "../run/job-id.ts";
import type { SelectedRuns } from "./export-selection.ts";
import type { Repo } from "./repo.ts";

/** What every format works with. */
export interface ExportJob {
  readonly repo: Repo;
  readonly selected: SelectedRuns;
  readonly clean: Sanitizer;
  readonly onProgress: (done: number) => void;
  /** To be awaited after every run: lets signals in, and ends the work when one came. */
  readonly pause: () => Promise<void> | undefined;
}

/** What a format tells of its work. */
export interface FormatOutcome {
  readonly runs: number;
  readonly notes?: readonly string[];
  /** Where it is not what the sanitizer counted, because runs were read twice. */
  readonly sanitized?: number;
}

/** A run that went away or broke while the export was under way is left out, and named. */
export function orWarn<T>({ repo }: ExportJob, jobId: JobId, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    repo.warn(`run ${jobId} is left out: ${messageOf(error)}`);
    return undefined;
  }
}

/** A folder without runs is of no use to anybody. */
export function noRuns(): AexpError {
  return new AexpError("no run matches, so there is nothing to export", {
    code: "export.no_runs",
    hint: "`aexp runs list` with the same filters shows what matches.",
  });
}
