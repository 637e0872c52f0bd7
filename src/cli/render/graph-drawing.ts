import type { GraphNote } from "../../app/read-graph.ts";
import { NOTE_KINDS, type NoteKind } from "../../kb/artifact.ts";
import type { NoteGraph } from "../../kb/note-graph.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { citesText } from "./graph-text.ts";
import { renderRunCounts } from "./run-counts.ts";
import { cutText } from "./text-width.ts";

const MAX_TITLE_WIDTH = 80;

/** How each kind of note is drawn: one class, one light colour, one dark line around it. */
export const KIND_LOOKS: Readonly<
  Record<NoteKind, { readonly name: string; readonly fill: string; readonly line: string }>
> = {
  thread: { name: "thread", fill: "#ede7f6", line: "#5e35b1" },
  hypothesis: { name: "hypothesis", fill: "#e3f2fd", line: "#1e88e5" },
  experiment: { name: "experiment", fill: "#fff8e1", line: "#c77800" },
  finding: { name: "finding", fill: "#e8f5e9", line: "#2e7d32" },
  literature: { name: "literature", fill: "#eceff1", line: "#546e7a" },
  "challenge-review": { name: "challengeReview", fill: "#fce4ec", line: "#c2185b" },
  "strategic-review": { name: "strategicReview", fill: "#fbe9e7", line: "#d84315" },
};

/** A node of a drawing: its key is unique, also where two notes have one id. */
export interface DrawnNode {
  readonly key: string;
  readonly note: GraphNote;
  /** Id and title, then what is known of the note. */
  readonly label: readonly string[];
}

/** What a drawing shows: its nodes, and which of them hang below which. */
export interface Drawing {
  readonly nodes: readonly DrawnNode[];
  /** Keys of parent and child. */
  readonly lines: readonly (readonly [string, string])[];
  /** The kinds that occur. */
  readonly kinds: readonly NoteKind[];
}

/** The graph as nodes and lines, for languages that draw it. Labels are single lines without control characters. */
export function toDrawing(graph: NoteGraph<GraphNote>): Drawing {
  const keys = new Map<GraphNote, string>();
  const used = new Map<string, number>();
  for (const note of graph.notes) {
    const count = (used.get(note.id) ?? 0) + 1;
    used.set(note.id, count);
    keys.set(note, count === 1 ? note.id : `${note.id}_${count}`);
  }
  return {
    nodes: graph.notes.map((note) => ({
      key: keys.get(note) ?? note.id,
      note,
      label: labelOf(note, graph.missingParentOf(note)),
    })),
    // A second note of an id has no children, so that the id is the key of every parent.
    lines: graph.notes.flatMap((note) => {
      const edge = graph.edgeOf(note);
      return edge === undefined ? [] : [[edge.from, keys.get(note) ?? note.id] as const];
    }),
    kinds: NOTE_KINDS.filter((kind) => graph.notes.some((note) => note.kind === kind)),
  };
}

function labelOf(note: GraphNote, missing: string | undefined): readonly string[] {
  const title = cutText(toSafeLine(note.title).trim(), MAX_TITLE_WIDTH);
  const details = [
    note.problem === undefined ? undefined : "cannot be read",
    note.status,
    note.impact,
    note.runs === undefined ? undefined : renderRunCounts(note.runs),
    note.cites === undefined || note.problem !== undefined ? undefined : citesText(note.cites),
    missing === undefined ? undefined : `${missing} is missing`,
  ].filter((detail) => detail !== undefined);
  const first = `${note.id} ${title}`;
  return details.length === 0 ? [first] : [first, toSafeLine(details.join(", "))];
}
