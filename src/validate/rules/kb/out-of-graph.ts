import { idOfFileName, kindOfId } from "../../../kb/artifact.ts";
import { folderOf } from "../../../kb/note-place.ts";
import { KB_FOLDER } from "../../../kb/kb-store.ts";
import { filenameProblem } from "./filename.ts";
import type { KbRule } from "./rule.ts";
import { aKind } from "./words.ts";

/** Files that somebody may take for checked notes, and that no check looks at. */
export const outOfGraph: KbRule = {
  code: "kb.out_of_graph",
  *check({ notes, isNamed }) {
    for (const { path, type } of notes.kb.notes) {
      if (type !== "other" || filenameProblem(path) !== undefined) continue;
      const id = idOfFileName(path.slice(path.lastIndexOf("/") + 1));
      const kind = id === undefined ? undefined : kindOfId(id);
      if (id !== undefined && kind !== undefined) {
        const message = `the name is that of ${aKind(kind)}, but the file is not in ${folderOf(kind)}: it is not checked, and ${id} does not mean it`;
        yield { message, path, line: 1 };
      } else if (isNamed(path) && !path.startsWith(`${KB_FOLDER}/lessons/`)) {
        yield { message: "the note is no part of the research graph: no check looks at it", path, line: 1 };
      }
    }
  },
};
