import type { GraphNote } from "../../app/read-graph.ts";
import type { NoteGraph } from "../../kb/note-graph.ts";
import { KIND_LOOKS, toDrawing } from "./graph-drawing.ts";

/** Without a setting of its own, mermaid refuses a diagram with more lines or more text than this. */
export const MERMAID_LIMITS = { lines: 500, characters: 50_000 } as const;

/** The graph as a mermaid flowchart, which many Markdown viewers draw. */
export function renderGraphMermaid(graph: NoteGraph<GraphNote>): string {
  const { nodes, lines, kinds } = toDrawing(graph);
  return [
    "flowchart TD",
    ...nodes.map(
      ({ key, note, label }) => `  ${key}["${label.map(escape).join("<br/>")}"]:::${KIND_LOOKS[note.kind].name}`,
    ),
    ...lines.map(([from, to]) => `  ${from} --> ${to}`),
    ...kinds.map((kind) => {
      const { name, fill, line } = KIND_LOOKS[kind];
      return `  classDef ${name} fill:${fill},stroke:${line},color:#212121`;
    }),
  ].join("\n");
}

/**
 * Mermaid reads much in a label: quotes, HTML, Markdown, comments, directives and style statements. So everything but
 * letters, digits and a few signs becomes the number of its character. Its own escapes begin with the letter ﬂ inside.
 */
function escape(text: string): string {
  return text.replaceAll(/[^\p{L}\p{M}\p{N} .,()/'–—…-]|ﬂ/gu, (sign) => `#${sign.codePointAt(0)};`);
}
