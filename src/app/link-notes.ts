import { NOTE_SHAPES, type Reference } from "../kb/artifact.ts";
import type { NoteChange } from "../kb/kb-store.ts";
import type { ArtifactNote } from "../kb/knowledge-base.ts";
import { addLinks } from "../kb/body-edit.ts";
import { setField } from "../kb/frontmatter-edit.ts";
import { artifactIdOf, fieldOf } from "../kb/note.ts";
import { AexpError } from "../model/errors.ts";
import { editNote } from "./edit-note.ts";
import { findNote, requireText } from "./find-note.ts";
import type { Repo } from "./repo.ts";

/** What linking two notes changed. */
export interface NoteLink {
  readonly from: string;
  readonly to: string;
  /** The field that names the parent now, when linking set it. */
  readonly parent: { readonly child: string; readonly field: string; readonly parent: string } | undefined;
  /** Paths of the notes that were written. */
  readonly changed: readonly string[];
}

/**
 * Links two notes both ways. Where one can be the parent of the other and the child names none yet, it is set.
 *
 * @throws {AexpError} `cli.usage` for a note and itself, `note.*`
 */
export async function linkNotes(repo: Repo, from: ArtifactNote, to: ArtifactNote): Promise<NoteLink> {
  if (from.path === to.path) {
    throw new AexpError(`${from.id} cannot be linked to itself`, { code: "cli.usage", hint: "Name another note." });
  }
  return await repo.notes.edit(async () => {
    const notes = [await findNote(repo, from.path), await findNote(repo, to.path)] as const;
    const parent = parentToSet(notes[0], notes[1]) ?? parentToSet(notes[1], notes[0]);
    const changes: NoteChange[] = [];
    for (const [note, other] of [notes, [notes[1], notes[0]]] as const) {
      const { raw, links } = requireText(note);
      const text = await editNote(note.path, async () => {
        const child = parent?.child === note.id ? await setField(raw, parent.field, parent.parent) : raw;
        const isLinked = links.some(({ target }) => artifactIdOf(target) === other.id);
        return isLinked ? child : addLinks(child, [other.id]);
      });
      if (text !== raw) changes.push({ path: note.path, text });
    }
    return {
      changes,
      value: { from: from.id, to: to.id, parent, changed: changes.map(({ path }) => path) },
    };
  });
}

function parentToSet(child: ArtifactNote, parent: ArtifactNote): NoteLink["parent"] {
  const reference = NOTE_SHAPES[child.kind].parents.find(({ to }: Reference) => to === parent.kind);
  if (reference === undefined) return undefined;
  const isSet = fieldOf(requireText(child).note, reference.field) !== undefined;
  return isSet ? undefined : { child: child.id, field: reference.field, parent: parent.id };
}
