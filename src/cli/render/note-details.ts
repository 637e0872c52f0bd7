import type { NoteDetails } from "../../app/show-note.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import type { Screen } from "../screen.ts";
import { renderBatches } from "./batches.ts";
import { type GraphJson, toGraphJson } from "./graph-json.ts";
import { renderGraphText } from "./graph-text.ts";
import { noteStatusStyle } from "./note-list.ts";
import { paint } from "./paint.ts";
import { padText, textWidth } from "./text-width.ts";

/** A note for a terminal: its head, the chain around it, its runs, and what its sections say. */
export function renderNoteDetails(details: NoteDetails, screen: Screen): string {
  const { note, chain, batches, sections, unwritten } = details;
  const bold = (text: string): string => paint("bold", toSafeLine(text), screen.color);
  const parts = [
    headLines(details, screen).join("\n"),
    ...(chain.notes.length > 1 ? [`${bold("Chain")}\n${indent(renderGraphText(chain, narrow(screen)))}`] : []),
    ...(batches.length > 0 ? [`${bold("Batches")}\n${indent(renderBatches(batches, narrow(screen)))}`] : []),
    ...sections.map(({ title, lines }) => `${bold(title)}\n${indent(lines.map(toSafeLine).join("\n"))}`),
    ...(unwritten.length > 0
      ? [paint("dim", toSafeLine(`Not written yet: ${unwritten.join(", ")}. Edit ${note.path}.`), screen.color)]
      : []),
  ];
  return parts.join("\n\n");
}

/** A note as `--json` prints it. */
export interface NoteDetailsJson {
  readonly fields: Readonly<Record<string, string>>;
  readonly chain: GraphJson;
  readonly batches: NoteDetails["batches"];
  readonly sections: Readonly<Record<string, string>>;
  readonly unwritten: readonly string[];
}

export function toNoteDetailsJson({
  note,
  chain,
  sections,
  ...rest
}: NoteDetails): NoteDetailsJson & NoteDetails["note"] {
  return {
    ...note,
    ...rest,
    chain: toGraphJson(chain),
    sections: Object.fromEntries(sections.map(({ title, lines }) => [title, lines.join("\n")])),
  };
}

function headLines({ note, fields }: NoteDetails, screen: Screen): readonly string[] {
  const word = note.status ?? note.impact ?? "";
  const facts: readonly (readonly [string, string])[] = [
    ...Object.entries(fields).map(([key, value]) => [key.replaceAll("_", " "), value] as const),
    ...(note.tags.length === 0 ? [] : [["tags", note.tags.join(" ")] as const]),
    ["file", note.path],
  ];
  const width = Math.max(...facts.map(([name]) => textWidth(name)));
  return [
    `${paint("yellow", note.id, screen.color)} ${paint("bold", toSafeLine(note.title), screen.color)}`,
    ...(word === "" ? [] : [paint(noteStatusStyle(word), toSafeLine(word), screen.color)]),
    ...facts.map(([name, value]) => `  ${padText(toSafeLine(name), width)}  ${toSafeLine(value)}`),
  ];
}

function narrow(screen: Screen): Screen {
  return { ...screen, width: screen.width - 2 };
}

function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "  ");
}
