import { NOTE_SHAPES, SPECIAL_NOTES } from "../../../kb/artifact.ts";
import type { GraphNote } from "../../linked-notes.ts";
import type { NoteContext, NoteRule } from "./rule.ts";
import { aKind } from "./words.ts";

/** Sections that the template of a kind has, and those of the special notes. */
export const missingHeading: NoteRule = {
  code: "kb.missing_heading",
  *check({ note, text }, context) {
    const found = new Set(text.sections.flatMap(({ level, title }) => (level === 2 ? [title.toLowerCase()] : [])));
    const missing = headingsOf(note, context).filter((heading) => !found.has(heading.toLowerCase()));
    if (missing.length === 0) return;
    const what = missing.map((heading) => `"## ${heading}"`).join(", ");
    const why =
      note.type === "artifact"
        ? `the template of ${aKind(note.kind)} has`
        : `every kb/${SPECIAL_NOTES[note.name].path} has`;
    const [noun, pronoun] = missing.length === 1 ? ["section", "it"] : ["sections", "them"];
    yield { message: `lacks the ${noun} ${what}; ${why} ${pronoun}`, line: 1, detail: { headings: missing } };
  },
};

function headingsOf(note: GraphNote, context: NoteContext): readonly string[] {
  if (note.type === "special") return SPECIAL_NOTES[note.name].headings;
  return NOTE_SHAPES[note.kind].hasFixedSections ? context.headingsOf(note.kind) : [];
}
