import { NOTE_SHAPES, type NoteKind } from "../../../kb/artifact.ts";
import { fieldOf } from "../../../kb/note.ts";
import type { NoteRule } from "./rule.ts";
import { aKind } from "./words.ts";

/** Fields that each kind must have, with a value. */
export const missingField: NoteRule = {
  code: "kb.missing_field",
  *check({ note, text }) {
    if (note.type !== "artifact") return;
    for (const field of NOTE_SHAPES[note.kind].requiredFields) {
      const isSet = namesOf(note.kind, field).some((name) => fieldOf(text.note, name) !== undefined);
      if (isSet) continue;
      const line = text.note.lines.get(field)?.line;
      const problem = line === undefined ? "is missing" : "has no value";
      yield { message: `${field} ${problem}; ${aKind(note.kind)} must have it`, line: line ?? 1, detail: { field } };
    }
  },
};

/** Names under which older notes hold the same. */
function namesOf(kind: NoteKind, field: string): readonly string[] {
  if (kind === "literature" && field === "source_type") return [field, "Type"];
  const isReview = kind === "challenge-review" || kind === "strategic-review";
  return isReview && field === "date" ? [field, "created"] : [field];
}
