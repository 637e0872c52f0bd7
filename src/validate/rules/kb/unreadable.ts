import type { KbRule } from "./rule.ts";

/** Notes whose frontmatter cannot be parsed. Findings have a code of their own for that. */
export const unreadable: KbRule = {
  code: "kb.unreadable",
  *check({ notes }) {
    for (const { path, content, ...note } of notes.graph) {
      if (content.kind === "text" || content.cause !== "frontmatter") continue;
      if (note.type === "artifact" && note.kind === "finding") continue;
      const { problem, line, column } = content;
      yield { message: `${problem} (line ${line}, column ${column})`, path, line };
    }
  },
};
