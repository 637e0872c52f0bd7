import { toFinding } from "../kb/finding.ts";
import { parseNote } from "../kb/note.ts";
import { isSameExact } from "../model/exact-json.ts";
import { parameterAt } from "../run/parameters.ts";
import type { Repo } from "./repo.ts";
import type { RunRow } from "./run-row.ts";

/** Names of the findings that cite a run, by its id or as one of a batch. Notes that cannot be read cite nothing. */
export async function findCitations(repo: Repo, row: RunRow): Promise<readonly string[]> {
  if (!repo.notes.exists()) return [];
  const names: string[] = [];
  for (const name of repo.notes.list("research/findings")) {
    const file = name.startsWith("F") ? repo.notes.read("research/findings", name) : undefined;
    if (file?.kind !== "text") continue;
    const read = await parseNote(file.text);
    if (read.kind !== "note") continue;
    const { citations } = toFinding(name, read.note);
    const isCited = citations.some((citation) => {
      if (citation.type === "job") return citation.jobId === row.jobId;
      if (citation.type !== "batch" || citation.experimentId !== row.experimentId) return false;
      return [...citation.selector].every(([key, value]) => {
        const actual = parameterAt(row.statePoint, key);
        return actual !== undefined && isSameExact(actual, value);
      });
    });
    if (isCited) names.push(/^F\d+/.exec(name)?.[0] ?? name);
  }
  return names;
}
