import { resolve } from "node:path";

import { type RunsIndexEntry, toIndexEntry, toIndexText } from "../ledger/runs-index.ts";
import { toInstant } from "../model/clock.ts";
import type { Repo } from "./repo.ts";

/** Where the index went, and how many runs it names. */
export interface RunsIndexExport {
  readonly path: string;
  readonly machine_label: string;
  readonly entries: number;
}

/**
 * Writes the deprecated list of this machine's finished runs.
 *
 * @throws {AexpError} `install.label_invalid`, `ledger.folder_unsafe`
 */
export async function exportRunsIndex(
  repo: Repo,
  options: { readonly label?: string | undefined; readonly out?: string | undefined; readonly cwd: string },
): Promise<RunsIndexExport> {
  const label = options.label ?? repo.machineLabel;
  const entries: RunsIndexEntry[] = [];
  for (const read of repo.runs.exists() ? repo.runs.readAll() : []) {
    if (read.kind === "unreadable") repo.warn(`run ${read.jobId} is left out: ${read.problem}`);
    else {
      const entry = toIndexEntry(read.run);
      if (entry !== undefined) entries.push(entry);
    }
  }
  const text = toIndexText(label, toInstant(repo.clock.nowMs()), entries);
  const file = options.out === undefined ? undefined : resolve(options.cwd, options.out);
  return { path: await repo.runsIndex.write(label, text, file), machine_label: label, entries: entries.length };
}
