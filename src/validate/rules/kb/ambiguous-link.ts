import type { NoteRule } from "./rule.ts";

/** Links that could mean several files. When these are notes of one id, that is told already. */
export const ambiguousLink: NoteRule = {
  code: "kb.ambiguous_link",
  *check({ note }, { notes }) {
    for (const { link, paths } of notes.linksOf(note)) {
      if (paths.length < 2 || notes.isDuplicateId(paths)) continue;
      yield {
        message: `[[${link.target}]] could mean ${paths.join(", ")}: write the path`,
        line: link.line,
        detail: { paths },
      };
    }
  },
};
