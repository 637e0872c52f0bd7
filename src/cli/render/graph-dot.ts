import type { GraphNote } from "../../app/read-graph.ts";
import type { NoteGraph } from "../../kb/note-graph.ts";
import { KIND_LOOKS, toDrawing } from "./graph-drawing.ts";

/** The graph in the language of Graphviz: `aexp graph --format dot | dot -Tsvg`. */
export function renderGraphDot(graph: NoteGraph<GraphNote>): string {
  const { nodes, lines } = toDrawing(graph);
  return [
    "digraph research {",
    '  graph [rankdir="TB", charset="UTF-8"];',
    '  node [shape="box", style="rounded,filled", fontname="Helvetica"];',
    ...nodes.map(({ key, note, label }) => {
      const { fill, line } = KIND_LOOKS[note.kind];
      // The line break between the lines of a label is an escape, and so is written after theirs.
      const text = label.map(escape).join(String.raw`\n`);
      return `  ${quote(key)} [label=${quote(text)}, fillcolor=${quote(fill)}, color=${quote(line)}];`;
    }),
    ...lines.map(([from, to]) => `  ${quote(from)} -> ${quote(to)};`),
    "}",
  ].join("\n");
}

/** In a label, backslashes begin escapes, and `&` begins the name of a character. */
function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("\\", String.raw`\\`)
    .replaceAll('"', String.raw`\"`);
}

function quote(text: string): string {
  return `"${text}"`;
}
