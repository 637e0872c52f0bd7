import { toFinding } from "../kb/finding.ts";
import { readNote } from "../kb/knowledge-base.ts";
import { folderOf } from "../kb/note-place.ts";
import { isCited } from "./cited-runs.ts";
import type { Repo } from "./repo.ts";
import type { RunRow } from "./run-row.ts";

/** Ids of the findings that cite a run, by its id or as one of a batch. Notes that cannot be read cite nothing. */
export async function findCitations(repo: Repo, row: RunRow): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const path of repo.notes.list(folderOf("finding"), "flat").files) {
    const note = await readNote(repo.notes, path);
    if (note.type !== "artifact" || note.content.kind !== "text") continue;
    const { citations } = toFinding(path, note.content.text.note);
    if (citations.some((citation) => isCited(citation, row))) ids.push(note.id);
  }
  return ids;
}
