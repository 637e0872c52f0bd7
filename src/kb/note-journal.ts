import { isNoteIds, isNoteJournal } from "../generated/validators.js";
import type { NoteIds } from "../generated/note-ids.ts";
import type { NoteJournal } from "../generated/note-journal.ts";
import { type NoteKind, NOTE_SHAPES, numberOfId } from "./artifact.ts";
import { identify } from "./note-place.ts";
import type { NoteChange } from "./kb-store.ts";

export type { NoteJournal };

/** Reads the journal of a change that is under way; `undefined` when it is none. */
export function parseJournal(text: string): NoteJournal | undefined {
  const value = parseJson(text);
  return isNoteJournal(value) ? value : undefined;
}

/** The numbers that were given on this machine; a file that is missing or says nothing counts as empty. */
export function parseNoteIds(text: string): NoteIds {
  const value = parseJson(text);
  return isNoteIds(value) ? value : { schema_version: 1, highest: {} };
}

/** The highest number of a kind among file names and numbers given before. */
export function highestOf(kind: NoteKind, ids: NoteIds, paths: readonly string[]): number {
  const numbers = paths.flatMap((path) => {
    const found = identify(path);
    return found?.type === "artifact" && found.kind === kind ? [numberOfId(found.id)] : [];
  });
  return Math.max(0, ids.highest[NOTE_SHAPES[kind].prefix] ?? 0, ...numbers);
}

/** The numbers after a change: those of new and of deleted notes are given for good. `undefined` when nothing is new. */
export function idsAfter(ids: NoteIds, changes: readonly NoteChange[]): NoteIds | undefined {
  const highest: NoteIds["highest"] = { ...ids.highest };
  let isChanged = false;
  for (const { path } of changes) {
    const found = identify(path);
    if (found?.type !== "artifact") continue;
    const { prefix } = NOTE_SHAPES[found.kind];
    const number = numberOfId(found.id);
    if (number <= (highest[prefix] ?? 0)) continue;
    highest[prefix] = number;
    isChanged = true;
  }
  return isChanged ? { schema_version: 1, highest } : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // told by the shape: nothing is not what was asked for
  }
}
