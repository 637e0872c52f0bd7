import { textIn } from "../../linked-notes.ts";
import type { NoteRule } from "./rule.ts";

/** Parents link their children. A parent without a Links section is told of that instead. */
export const missingBacklink: NoteRule = {
  code: "kb.missing_backlink",
  *check({ note }, { notes }) {
    for (const parent of notes.silentParentsOf(note)) {
      const section = textIn(parent)?.linksSection;
      if (section === undefined) continue;
      const target = notes.targetFor(note.path, parent.path);
      yield {
        message: `the section Links lacks [[${target}]], which names this note as its parent: \`aexp validate --fix\` adds it`,
        path: parent.path,
        line: section.line,
        concerns: [note.path],
      };
    }
  },
};
