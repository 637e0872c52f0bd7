import type { KbRule } from "./rule.ts";
import { shellWord } from "./words.ts";

/** Two notes with one id, as two clones make them; git merges them without a conflict. */
export const duplicateId: KbRule = {
  code: "kb.duplicate_id",
  *check({ notes }) {
    for (const note of notes.graph) {
      if (note.type !== "artifact") continue;
      const { id, path } = note;
      const namesakes = notes.kb.byId(id);
      const [first] = namesakes;
      if (first === undefined || first.path === path) continue;
      yield {
        message: `${id} is the id of ${first.path} already: give one of them a new id with \`aexp renumber ${id} ${shellWord(path)}\``,
        path,
        line: 1,
        concerns: namesakes.map((namesake) => namesake.path),
        detail: { id, paths: namesakes.map((namesake) => namesake.path) },
      };
    }
  },
};
