import { type ArtifactId, NOTE_SHAPES, numberOfId, toArtifactId } from "../kb/artifact.ts";
import type { NoteChange } from "../kb/kb-store.ts";
import { type ArtifactNote, type KnowledgeBase, NoteText, readKnowledgeBase } from "../kb/knowledge-base.ts";
import { addLinks } from "../kb/body-edit.ts";
import { artifactIdOf, fieldOf, parseNote } from "../kb/note.ts";
import { planRenumbering } from "../kb/renumbering.ts";
import { AexpError } from "../model/errors.ts";
import { highestEverCommitted, requireInstalled } from "./create-note.ts";
import { editNote } from "./edit-note.ts";
import { findNote, requireText } from "./find-note.ts";
import { countRuns } from "./list-notes.ts";
import type { Repo } from "./repo.ts";

/** What giving a note another id did. */
export interface RenumberedNote {
  readonly id: ArtifactId;
  readonly new_id: ArtifactId;
  readonly path: string;
  readonly new_path: string;
  /** Paths of the other notes that were changed. */
  readonly changed: readonly string[];
  /** Places that name the old id and may mean either note. */
  readonly unclear: readonly { readonly path: string; readonly line: number }[];
  /** Runs that name the old id. Their identity holds it, so they are left as they are. */
  readonly runs: number;
}

/**
 * Gives one of two notes with the same id the next free one, and rewrites what refers to it.
 *
 * @param file name or path of the note that is to change
 * @throws {AexpError} `repo.not_installed`, `note.*`, `cli.usage` for a file that has another id
 */
export async function renumberNote(repo: Repo, id: string, file: string): Promise<RenumberedNote> {
  requireInstalled(repo);
  const named = await findNote(repo, file);
  if (named.id !== id.toUpperCase()) {
    throw new AexpError(`${named.path} has the id ${named.id}, not ${id}`, {
      code: "cli.usage",
      hint: `Run \`aexp renumber ${named.id} ${named.path}\`.`,
    });
  }
  const known = await highestEverCommitted(repo, named.kind);
  const renumbered = await repo.notes.edit(async () => {
    const kb = await readKnowledgeBase(repo.notes);
    const note = await findNote(repo, named.path);
    requireText(note);
    const highest = Math.max(known, await repo.notes.highestNumber(note.kind), numberOfId(note.id));
    const newId = toArtifactId(note.kind, highest + 1);
    const { newPath, changes, unclear } = planRenumbering(kb, note, newId);
    const all = await linkFromParents(kb, note, newId, changes);
    const others = all.map((change) => change.path).filter((path) => path !== note.path && path !== newPath);
    const value = { id: note.id, new_id: newId, path: note.path, new_path: newPath, changed: others, unclear };
    return { changes: all, value };
  });
  const isLinkedByRuns = named.kind === "experiment";
  return { ...renumbered, runs: isLinkedByRuns ? (countRuns(repo).get(named.id)?.total ?? 0) : 0 };
}

/** A parent that links the old id for both notes gets a link to the new one. */
async function linkFromParents(
  kb: KnowledgeBase,
  note: ArtifactNote,
  newId: ArtifactId,
  changes: readonly NoteChange[],
): Promise<readonly NoteChange[]> {
  const all = new Map(changes.map((change) => [change.path, change]));
  const { note: parsed } = requireText(note);
  for (const { field } of NOTE_SHAPES[note.kind].parents) {
    const parentId = artifactIdOf(fieldOf(parsed, field));
    for (const parent of parentId === undefined ? [] : kb.byId(parentId)) {
      if (parent.content.kind === "unreadable") continue;
      const text = all.get(parent.path)?.text ?? parent.content.text.raw;
      const read = await parseNote(text);
      if (read.kind === "unreadable") continue;
      const { links } = new NoteText(text, read.note);
      if (links.some(({ target }) => artifactIdOf(target) === newId)) continue;
      all.set(parent.path, { path: parent.path, text: await editNote(parent.path, () => addLinks(text, [newId])) });
    }
  }
  return [...all.values()];
}
