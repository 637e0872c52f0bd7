import {
  type ArtifactId,
  idOfFileName,
  kindOfId,
  NOTE_SHAPES,
  type NoteKind,
  SPECIAL_NOTES,
  type SpecialNote,
} from "./artifact.ts";
import { KB_FOLDER } from "./kb-store.ts";

/** What a path stands for: a note with an id in the folder of its kind, one of the special notes, or nothing of the kind. */
export function identify(
  path: string,
):
  | { readonly type: "artifact"; readonly kind: NoteKind; readonly id: ArtifactId }
  | { readonly type: "special"; readonly name: SpecialNote }
  | undefined {
  const slash = path.lastIndexOf("/");
  const id = idOfFileName(path.slice(slash + 1));
  const kind = id === undefined ? undefined : kindOfId(id);
  if (id !== undefined && kind !== undefined && path.slice(0, slash) === folderOf(kind)) {
    return { type: "artifact", kind, id };
  }
  const name = SPECIAL_NAMES.get(path);
  return name === undefined ? undefined : { type: "special", name };
}

/** The folder of a kind, relative to the repository root. */
export function folderOf(kind: NoteKind): string {
  return `${KB_FOLDER}/${NOTE_SHAPES[kind].folder}`;
}

const SPECIAL_NAMES: ReadonlyMap<string, SpecialNote> = new Map([
  [`${KB_FOLDER}/${SPECIAL_NOTES.ACTIVE.path}`, "ACTIVE"],
  [`${KB_FOLDER}/${SPECIAL_NOTES.CHALLENGE.path}`, "CHALLENGE"],
  [`${KB_FOLDER}/${SPECIAL_NOTES.DASHBOARD.path}`, "DASHBOARD"],
]);
