import { isArtifactId, type Reference } from "../../../kb/artifact.ts";
import type { ArtifactNote } from "../../../kb/knowledge-base.ts";
import { fieldOf, isUnset, textOf } from "../../../kb/note.ts";
import type { Exact } from "../../../model/exact-json.ts";
import type { LinkedNotes, ParentReference } from "../../linked-notes.ts";
import type { Report } from "../../report.ts";
import type { NoteRule, NoteSubject } from "./rule.ts";
import { aKind, exampleId, lineOfField, nameOf, shown } from "./words.ts";

/** Fields that name other notes: these are there, of the right kind, and agree with each other. */
export const badReference: NoteRule = {
  code: "kb.bad_reference",
  *check(subject, { notes }) {
    const { note, text } = subject;
    if (note.type !== "artifact") return;
    yield* ownId(note, subject);
    for (const parent of notes.parentsOf(note)) {
      const message = parentProblem(parent, notes);
      const { field } = parent.reference;
      if (message !== undefined) yield { message, line: lineOfField(text, field), detail: { field } };
    }
    if (note.kind === "experiment") yield* subHypotheses(subject, notes);
    if (note.kind === "finding") yield* sameHypothesis(subject, notes);
  },
};

function* ownId({ id }: ArtifactNote, { text }: NoteSubject): Generator<Report> {
  const value = text.note.fields.get("id");
  if (value === undefined || isUnset(value) || textOf(value) === id) return;
  yield {
    message: `id is ${shown(value)}, but the file name says ${id}`,
    line: lineOfField(text, "id"),
    detail: { field: "id" },
  };
}

function parentProblem(
  { reference, value, target, paths, parent }: ParentReference,
  notes: LinkedNotes,
): string | undefined {
  const { field, to } = reference;
  const [path] = paths;
  if (parent !== undefined || (path !== undefined && notes.isDuplicateId(paths) && notes.isOfKind(path, to))) {
    return undefined;
  }
  if (target === undefined) return `${field} is ${shown(value)}; expected ${expected(to)}`;
  if (paths.length > 1) return `${field} is ${shown(value)}, which could mean ${paths.join(", ")}: write the path`;
  const found = path === undefined ? undefined : notes.at(path);
  if (path === undefined) {
    if (!notes.isComplete) return undefined;
    const problem = isArtifactId(target) ? "and there is no such note" : "and no note has that name";
    return `${field} is ${shown(value)}, ${problem}; expected ${expected(to)}.${notes.suggest(target, to)}`;
  }
  return `${field} is ${shown(value)}, which is ${found?.type === "artifact" ? aKind(found.kind) : path}; expected ${expected(to)}`;
}

/** Sub-hypotheses are notes like any hypothesis. */
function* subHypotheses({ note, text }: NoteSubject, notes: LinkedNotes): Generator<Report> {
  const value = fieldOf(text.note, "sub_hypotheses");
  if (value === undefined) return;
  const lines = text.note.lines.get("sub_hypotheses")?.items ?? [];
  for (const [index, item] of itemsOf(value).entries()) {
    if (isUnset(item)) continue;
    const target = textOf(item);
    const paths = target === undefined ? [] : notes.resolve(target, note.path);
    if (paths.some((path) => notes.isOfKind(path, "hypothesis"))) continue;
    if (paths.length === 0 && !notes.isComplete) continue;
    const guess = target === undefined ? "" : `.${notes.suggest(target, "hypothesis")}`;
    yield {
      message: `sub_hypotheses names ${shown(item)}, which is no hypothesis here; expected ${expected("hypothesis")}${guess}`,
      line: lines[index] ?? lineOfField(text, "sub_hypotheses"),
      detail: { field: "sub_hypotheses" },
    };
  }
}

/** A finding is about the hypothesis that its experiment tests. */
function* sameHypothesis({ note, text }: NoteSubject, notes: LinkedNotes): Generator<Report> {
  const own = parentIn(note, "hypothesis", notes);
  const experiment = parentIn(note, "experiment", notes);
  const tested = experiment === undefined ? undefined : parentIn(experiment, "hypothesis", notes);
  if (own === undefined || experiment === undefined || tested === undefined || own.id === tested.id) return;
  yield {
    message: `hypothesis is ${own.id}, but its experiment ${nameOf(experiment)} tests ${tested.id}`,
    line: lineOfField(text, "hypothesis"),
    detail: { field: "hypothesis" },
  };
}

function parentIn(note: NoteSubject["note"], field: string, notes: LinkedNotes): ArtifactNote | undefined {
  const path = notes.parentsOf(note).find(({ reference }) => reference.field === field)?.parent;
  const parent = path === undefined ? undefined : notes.at(path);
  return parent?.type === "artifact" ? parent : undefined;
}

/** A text is a list with commas, and a single wikilink without quotes is a list in a list. */
function itemsOf(value: Exact): readonly Exact[] {
  if (typeof value === "string") return value.split(",");
  return isList(value) && textOf(value) === undefined ? value : [value];
}

function isList(value: Exact): value is readonly Exact[] {
  return Array.isArray(value);
}

function expected(kind: Reference["to"]): string {
  return kind === "any" ? "the id or the name of a note" : `the id of ${aKind(kind)}, as in ${exampleId(kind)}`;
}
