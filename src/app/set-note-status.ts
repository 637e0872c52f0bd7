import { NOTE_SHAPES } from "../kb/artifact.ts";
import type { ArtifactNote } from "../kb/knowledge-base.ts";
import { setSection } from "../kb/body-edit.ts";
import { setField } from "../kb/frontmatter-edit.ts";
import { fieldOf, textOf } from "../kb/note.ts";
import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";
import { today } from "./create-note.ts";
import { editNote } from "./edit-note.ts";
import { findNote, requireText } from "./find-note.ts";
import type { Repo } from "./repo.ts";

/** What became of a note's status. */
export interface StatusChange {
  readonly id: string;
  readonly path: string;
  readonly from: string | undefined;
  readonly to: string;
  /** Whether the note was written at all. */
  readonly changed: boolean;
}

/** What else is written together with a status. */
export interface StatusOptions {
  /** The new text of the section `## Conclusion`. */
  readonly conclusion?: string | undefined;
}

/**
 * Gives a thread, hypothesis or experiment another status, with the dates that go with it. A note that says so already
 * is left as it is.
 *
 * @throws {AexpError} `cli.usage` for an unknown status, `note.*`
 */
export async function setNoteStatus(
  repo: Repo,
  named: ArtifactNote,
  status: string,
  { conclusion }: StatusOptions = {},
): Promise<StatusChange> {
  const to = parseStatus(named, status);
  return await repo.notes.edit(async () => {
    const note = await findNote(repo, named.path);
    const { raw, note: parsed } = requireText(note);
    const from = textOf(fieldOf(parsed, "status"));
    const text = await editNote(note.path, async () => {
      let edited = raw;
      if (from?.toUpperCase() !== to) {
        edited = await setField(edited, "status", to);
        for (const [field, value] of datesOf(repo, note, to)) edited = await setField(edited, field, value);
      }
      return conclusion === undefined ? edited : setSection(edited, "Conclusion", conclusion.trim());
    });
    return {
      changes: [{ path: note.path, text }],
      value: { id: note.id, path: note.path, from, to, changed: text !== raw },
    };
  });
}

function parseStatus({ kind, id }: ArtifactNote, status: string): string {
  const known = NOTE_SHAPES[kind].vocabularies["status"] ?? [];
  const found = known.find((word) => word === status.toUpperCase());
  if (found !== undefined) return found;
  throw new AexpError(`${JSON.stringify(status)} is no status of ${id}.${didYouMean(status, known)}`, {
    code: "cli.usage",
    hint: known.length === 0 ? `Notes like ${id} have no status.` : `It can be ${known.join(", ")}.`,
  });
}

/** An experiment says when it ended, the others when they last changed. */
function datesOf(repo: Repo, { kind }: ArtifactNote, status: string): readonly (readonly [string, string])[] {
  if (kind !== "experiment") return [["last_updated", today(repo)]];
  const isOver = status === "COMPLETED" || status === "FAILED";
  return [["completed", isOver ? today(repo) : ""]];
}
