import type { NoteRule } from "./rule.ts";

/** Every note of the graph has a section for its links. */
export const missingLinksSection: NoteRule = {
  code: "kb.missing_links_section",
  *check({ text }) {
    if (text.linksSection === undefined) yield { message: 'the note has no section "## Links"', line: 1 };
  },
};
