import { readConditions } from "../../../kb/conditions.ts";
import type { NoteRule } from "./rule.ts";
import { lineOfField } from "./words.ts";

/** The named sets of parameters of an experiment. */
export const conditionsSchema: NoteRule = {
  code: "kb.conditions_schema",
  *check({ note, text }) {
    if (note.type !== "artifact" || note.kind !== "experiment") return;
    for (const { message } of readConditions(text.note).faults) {
      yield { message, line: lineOfField(text, "conditions") };
    }
  },
};
