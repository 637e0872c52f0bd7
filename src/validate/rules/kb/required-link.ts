import type { NoteRule } from "./rule.ts";

/** A note links its parents. A note without a Links section is told of that instead. */
export const requiredLink: NoteRule = {
  code: "kb.required_link",
  *check({ note, text }, { notes }) {
    if (text.linksSection === undefined) return;
    const { line } = text.linksSection;
    for (const path of notes.missingLinksOf(note)) {
      const target = notes.targetFor(path, note.path);
      yield { message: `the section Links lacks [[${target}]]: \`aexp validate --fix\` adds it`, line };
    }
  },
};
