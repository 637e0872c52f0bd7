import type { NoteRule } from "./rule.ts";

/** Links that lead nowhere. With a folder that could not be listed, nobody can tell. */
export const danglingLink: NoteRule = {
  code: "kb.dangling_link",
  *check({ note }, { notes }) {
    if (!notes.isComplete) return;
    for (const { link, paths } of notes.linksOf(note)) {
      if (paths.length > 0) continue;
      const text = `${link.isEmbed ? "!" : ""}[[${link.target}]]`;
      yield {
        message: `${text} leads nowhere: no note and no file has that name.${notes.suggest(link.target)}`,
        line: link.line,
      };
    }
  },
};
