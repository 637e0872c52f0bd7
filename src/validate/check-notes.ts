import type { NoteKind } from "../kb/artifact.ts";
import { type Finding, toFinding } from "../kb/finding.ts";
import { readKnowledgeBase } from "../kb/knowledge-base.ts";
import type { NoteStore } from "../kb/kb-store.ts";
import { templateHeadings } from "../kb/template.ts";
import type { Collector } from "./collector.ts";
import { type Experiments, toExperiments } from "./experiments.ts";
import { LinkedNotes, textIn } from "./linked-notes.ts";
import { FAR_RULES, KB_RULES, NOTE_RULES } from "./rules/kb/index.ts";
import type { NoteContext } from "./rules/kb/rule.ts";

/** What the checks of runs and ledger need of the notes. */
export interface CheckedNotes {
  /** Notes of the graph that the user wants to hear about. */
  readonly count: number;
  /** How many of these are findings, and those that could be read. */
  readonly findingCount: number;
  readonly findings: readonly Finding[];
  readonly experiments: Experiments;
}

/** Reads every note once, and carries out all checks of the graph. */
export async function checkNotes(
  store: NoteStore,
  issues: Collector,
  { isSelected, isNamed }: Pick<NoteContext, "isNamed"> & { readonly isSelected: (path: string) => boolean },
): Promise<CheckedNotes> {
  const notes = new LinkedNotes(await readKnowledgeBase(store), (path) => store.isFile(path));
  const context: NoteContext = { notes, isNamed, headingsOf: headingReader(store) };
  for (const { code, check } of KB_RULES) issues.askAll(code, () => check(context));
  for (const note of notes.graph) {
    const text = textIn(note);
    if (text === undefined) continue;
    const rules = isSelected(note.path) ? NOTE_RULES : FAR_RULES;
    for (const { code, check } of rules) issues.askAll(code, () => check({ note, text }, context), note.path);
  }
  return {
    count: notes.kb.notes.filter(({ path, type }) => isSelected(path) && type !== "other").length,
    ...readFindings(notes, issues, isSelected),
    experiments: toExperiments(notes.kb.notes, notes.kb.problems),
  };
}

function readFindings(
  notes: LinkedNotes,
  issues: Collector,
  isSelected: (path: string) => boolean,
): Pick<CheckedNotes, "findingCount" | "findings"> {
  const findings: Finding[] = [];
  let findingCount = 0;
  for (const note of notes.graph) {
    if (note.type !== "artifact" || note.kind !== "finding" || !isSelected(note.path)) continue;
    findingCount += 1;
    const { path, content } = note;
    if (content.kind === "text") findings.push(toFinding(path, content.text.note));
    else {
      const { problem, line, column } = content;
      const place = line === undefined ? "" : ` (line ${line}, column ${column})`;
      issues.add("finding.unreadable", { message: `${problem}${place}`, line }, path);
    }
  }
  return { findingCount, findings };
}

/** Placeholders in a heading of a template are other words in every note. */
function headingReader(store: NoteStore): (kind: NoteKind) => readonly string[] {
  const known = new Map<NoteKind, readonly string[]>();
  return (kind) => {
    const headings = known.get(kind) ?? templateHeadings(store, kind).filter((title) => !/\{[A-Z_]+\}/.test(title));
    known.set(kind, headings);
    return headings;
  };
}
