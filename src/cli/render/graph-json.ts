import type { GraphNote } from "../../app/read-graph.ts";
import type { GraphEdge, NoteGraph } from "../../kb/note-graph.ts";

/** The graph as `--json` prints it. */
export interface GraphJson {
  readonly nodes: readonly GraphJsonNode[];
  readonly edges: readonly GraphEdge[];
}

type GraphJsonNode = Pick<
  GraphNote,
  "id" | "kind" | "title" | "status" | "impact" | "path" | "runs" | "cites" | "problem"
> & {
  readonly missing_parent?: string;
};

/** Facts that a note lacks are left out. */
export function toGraphJson(graph: NoteGraph<GraphNote>): GraphJson {
  const nodes = graph.notes.map((note): GraphJsonNode => {
    const { parents: _, tags: _tags, created: _created, ...rest } = note;
    const missing = graph.missingParentOf(note);
    return missing === undefined ? rest : { ...rest, missing_parent: missing };
  });
  return { nodes, edges: graph.edges };
}
