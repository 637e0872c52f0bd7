import { NOTE_SHAPES } from "../../../kb/artifact.ts";
import { fieldOf, textOf } from "../../../kb/note.ts";
import { didYouMean } from "../../../model/nearest.ts";
import type { NoteRule } from "./rule.ts";
import { lineOfField, shown } from "./words.ts";

/** Fields whose words are agreed upon. */
export const vocabulary: NoteRule = {
  code: "kb.vocabulary",
  *check({ note, text }) {
    if (note.type !== "artifact") return;
    for (const [field, words] of Object.entries(NOTE_SHAPES[note.kind].vocabularies)) {
      const value = fieldOf(text.note, field);
      if (value === undefined) continue;
      const word = textOf(value);
      if (word !== undefined && words.includes(word.toUpperCase())) continue;
      const guess = word === undefined ? "" : didYouMean(word, words);
      yield {
        message: `${field} is ${shown(value)}; expected one of ${words.join(", ")}.${guess}`,
        line: lineOfField(text, field),
        detail: { field },
      };
    }
  },
};
