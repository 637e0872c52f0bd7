import type { KbRule } from "./rule.ts";

/** Folders that cannot be listed, and notes whose file cannot be read. For findings the latter has a code of its own. */
export const filesystem: KbRule = {
  code: "kb.filesystem",
  *check({ notes }) {
    for (const { path, problem } of notes.kb.problems) yield { message: problem, path };
    for (const { path, content, ...note } of notes.graph) {
      if (content.kind === "text" || content.cause !== "file") continue;
      if (note.type === "artifact" && note.kind === "finding") continue;
      yield { message: content.problem, path };
    }
  },
};
