import { NOTE_SHAPES, type NoteKind } from "./artifact.ts";

/** What the graph needs to know of a note. */
export interface Linked {
  readonly id: string;
  readonly kind: NoteKind;
  /** Ids of parent notes by field. */
  readonly parents: Readonly<Record<string, string>>;
}

/** A parent and its child; `type` is the field of the child that names the parent. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly type: string;
}

/** Notes and what hangs below what: every note below at most one other. */
export interface NoteGraph<Note extends Linked> {
  /** In the order in which they were given. */
  readonly notes: readonly Note[];
  /** Both ends are ids of {@link notes}. */
  readonly edges: readonly GraphEdge[];
  /** The edge that ends at a note. */
  edgeOf(note: Note): GraphEdge | undefined;
  /** Notes that hang below no other. */
  readonly roots: readonly Note[];
  childrenOf(note: Note): readonly Note[];
  parentOf(note: Note): Note | undefined;
  /** The id of a parent that a note names and that is no note. */
  missingParentOf(note: Note): string | undefined;
}

/**
 * Hangs every note below its parent. A finding hangs below its experiment and, where that is missing, below its
 * hypothesis. Of several notes with one id the first has the children.
 */
export function buildNoteGraph<Note extends Linked>(notes: readonly Note[]): NoteGraph<Note> {
  const byId = new Map<string, Note>();
  for (const note of notes) if (!byId.has(note.id)) byId.set(note.id, note);

  const parents = new Map<Note, Note>();
  const missing = new Map<Note, string>();
  const edges = new Map<Note, GraphEdge>();
  for (const note of notes) {
    const named = parentFields(note.kind).flatMap((field) => {
      const id = note.parents[field];
      return id === undefined ? [] : [{ field, id, parent: byId.get(id) }];
    });
    const lost = named.find(({ parent }) => parent === undefined);
    if (lost !== undefined) missing.set(note, lost.id);
    const found = named.find(({ parent }) => parent !== undefined);
    if (found?.parent === undefined) continue;
    parents.set(note, found.parent);
    edges.set(note, { from: found.id, to: note.id, type: found.field });
  }
  cutCircles(notes, parents);

  const children = new Map<Note, Note[]>();
  for (const [note, parent] of parents) {
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [note]);
    else siblings.push(note);
  }
  return {
    notes,
    edges: [...edges.values()],
    edgeOf: (note) => edges.get(note),
    roots: notes.filter((note) => !parents.has(note)),
    childrenOf: (note) => children.get(note) ?? [],
    parentOf: (note) => parents.get(note),
    missingParentOf: (note) => missing.get(note),
  };
}

/** A note, what it hangs below up to the top, and everything below it. */
export function withRelatives<Note extends Linked>(graph: NoteGraph<Note>, note: Note): NoteGraph<Note> {
  const kept = new Set<Note>(below(graph, [note], () => true));
  for (let up = graph.parentOf(note); up !== undefined; up = graph.parentOf(up)) kept.add(up);
  return buildNoteGraph(graph.notes.filter((other) => kept.has(other)));
}

/** The notes that are wanted and hang below none that is not. */
export function prune<Note extends Linked>(graph: NoteGraph<Note>, isWanted: (note: Note) => boolean): NoteGraph<Note> {
  const kept = new Set<Note>(below(graph, graph.roots, isWanted));
  return buildNoteGraph(graph.notes.filter((note) => kept.has(note)));
}

/** Some notes and everything below them; a note that is not wanted hides what is below it. */
export function* below<Note extends Linked>(
  graph: NoteGraph<Note>,
  notes: readonly Note[],
  isWanted: (note: Note) => boolean,
): Generator<Note> {
  for (const note of notes) {
    if (!isWanted(note)) continue;
    yield note;
    yield* below(graph, graph.childrenOf(note), isWanted);
  }
}

/** The fields that name parents, the nearest first. */
function parentFields(kind: NoteKind): readonly string[] {
  return NOTE_SHAPES[kind].parents.map(({ field }) => field).toReversed();
}

/** Reviews may target each other. Of notes in a circle the first becomes a root, so that all of them are reached. */
function cutCircles<Note>(notes: readonly Note[], parents: Map<Note, Note>): void {
  const known = new Set<Note>();
  for (const start of notes) {
    const way = new Set<Note>();
    let note: Note | undefined = start;
    while (note !== undefined && !known.has(note) && !way.has(note)) {
      way.add(note);
      note = parents.get(note);
    }
    if (note !== undefined && way.has(note)) parents.delete(firstOfCircle(notes, parents, note));
    for (const passed of way) known.add(passed);
  }
}

function firstOfCircle<Note>(notes: readonly Note[], parents: ReadonlyMap<Note, Note>, member: Note): Note {
  const circle = new Set<Note>([member]);
  for (let note = parents.get(member); note !== undefined && !circle.has(note); note = parents.get(note)) {
    circle.add(note);
  }
  return notes.find((note) => circle.has(note)) ?? member;
}
