import type { GraphNote } from "../../app/read-graph.ts";
import type { NoteGraph } from "../../kb/note-graph.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import type { Screen } from "../screen.ts";
import { noteStatusStyle } from "./note-list.ts";
import { paint, type Style } from "./paint.ts";
import { plural } from "./plural.ts";
import { renderRunCounts } from "./run-counts.ts";
import { cutText, textWidth } from "./text-width.ts";

/** Fewer cells say nothing of a title; what stands behind it gives way first. */
const LEAST_TITLE = 16;
const LEAST_TAIL = 6;
const GAP = "  ";

/** The notes as a tree, a line each. Titles are cut where the terminal ends. */
export function renderGraphText(graph: NoteGraph<GraphNote>, screen: Screen): string {
  const counts = new Map<string, number>();
  for (const { id } of graph.notes) counts.set(id, (counts.get(id) ?? 0) + 1);
  const lines: string[] = [];
  const draw = (note: GraphNote, own: string, rest: string): void => {
    const remarks = remarksOf(note, graph.missingParentOf(note), counts.get(note.id) ?? 1);
    lines.push(own + renderNote(note, remarks, screen, screen.width - textWidth(own)));
    const children = graph.childrenOf(note);
    for (const [index, child] of children.entries()) {
      const isLast = index === children.length - 1;
      draw(child, `${rest}${isLast ? "└─ " : "├─ "}`, `${rest}${isLast ? "   " : "│  "}`);
    }
  };
  for (const root of graph.roots) draw(root, "", "");
  return lines.join("\n");
}

function renderNote(note: GraphNote, remarks: readonly string[], screen: Screen, width: number): string {
  const word = toSafeLine(note.status ?? note.impact ?? "");
  const head = word === "" ? note.id : `${note.id}${GAP}${word}`;
  const title = toSafeLine(note.problem === undefined ? note.title : `cannot be read: ${note.problem}`);
  const tail = remarks.map((remark) => toSafeLine(remark)).join(GAP);
  const tailWidth = tail === "" ? 0 : GAP.length + textWidth(tail);
  const space = width - textWidth(head) - GAP.length;
  const cutTitle = cutText(title, Math.min(space, Math.max(space - tailWidth, LEAST_TITLE)));
  const tailSpace = space - textWidth(cutTitle) - GAP.length;
  const parts: readonly (readonly [Style | undefined, string])[] = [
    ["yellow", note.id],
    [noteStatusStyle(word), word],
    [note.problem === undefined ? undefined : "red", cutTitle],
    ["dim", tailSpace < LEAST_TAIL ? "" : cutText(tail, tailSpace)],
  ];
  return parts.flatMap(([style, text]) => (text === "" ? [] : [paint(style, text, screen.color)])).join(GAP);
}

/** What is worth knowing besides status and title. */
function remarksOf(note: GraphNote, missing: string | undefined, sameId: number): readonly string[] {
  const remarks: string[] = [];
  if (note.runs !== undefined) remarks.push(renderRunCounts(note.runs));
  if (note.cites !== undefined && note.problem === undefined) remarks.push(citesText(note.cites));
  if (missing !== undefined) remarks.push(`(${missing} is missing)`);
  if (sameId > 1)
    remarks.push(`(one of ${sameId} notes with this id: ${note.path.slice(note.path.lastIndexOf("/") + 1)})`);
  return remarks;
}

/** `cites 3 runs`. */
export function citesText(cites: number): string {
  if (cites === 0) return "cites no run";
  return `cites ${plural(cites, "run")}`;
}
