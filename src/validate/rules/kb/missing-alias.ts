import { aliasesOf } from "../../../kb/link-index.ts";
import type { NoteRule } from "./rule.ts";
import { nameOf } from "./words.ts";

/** Editors find a note by its id only when the id is one of its aliases. */
export const missingAlias: NoteRule = {
  code: "kb.missing_alias",
  *check({ note, text }) {
    const name = nameOf(note);
    if (aliasesOf(note).includes(name)) return;
    const line = text.note.lines.get("aliases")?.line ?? 1;
    yield { message: `aliases lacks ${name}: \`aexp validate --fix\` adds it`, line };
  },
};
