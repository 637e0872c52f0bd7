import type { NoteKind } from "../kb/artifact.ts";
import { type NoteGraph, withRelatives } from "../kb/note-graph.ts";
import { readableSections, type ReadableSection } from "../kb/note-sections.ts";
import { isUnset, textOf } from "../kb/note.ts";
import { findNote, requireText } from "./find-note.ts";
import { type Batch, listBatches } from "./list-batches.ts";
import { listRuns } from "./list-runs.ts";
import { type GraphNote, readGraph } from "./read-graph.ts";
import type { Repo } from "./repo.ts";

/** A note with everything around it. */
export interface NoteDetails {
  readonly note: GraphNote;
  /** Fields of the frontmatter that are texts and set, but for those that the graph shows. */
  readonly fields: Readonly<Record<string, string>>;
  /** The note, what it hangs below up to the top, and everything below it. */
  readonly chain: NoteGraph<GraphNote>;
  /** Runs of an experiment by condition. */
  readonly batches: readonly Batch[];
  readonly sections: readonly ReadableSection[];
  /** Titles of sections that nobody wrote anything into yet. */
  readonly unwritten: readonly string[];
}

const SHOWN_ELSEWHERE = ["id", "aliases", "type", "status", "impact", "thread", "hypothesis", "experiment", "title"];

/** Gathers what is known of a note. @throws {AexpError} `note.*`, `cli.usage` for a note of another kind */
export async function showNote(repo: Repo, name: string, kinds: readonly NoteKind[]): Promise<NoteDetails> {
  const found = await findNote(repo, name, kinds);
  const text = requireText(found);
  const graph = await readGraph(repo);
  const note = graph.notes.find(({ path }) => path === found.path);
  if (note === undefined) throw new Error(`${found.path} was there a moment ago`);
  const fields = [...text.note.fields.keys()].flatMap((key) => {
    const value = SHOWN_ELSEWHERE.includes(key) ? undefined : textOf(text.note.fields.get(key));
    return value === undefined || isUnset(value) ? [] : [[key, value] as const];
  });
  const { written, empty } = readableSections(text);
  return {
    note,
    fields: Object.fromEntries(fields),
    chain: withRelatives(graph, note),
    batches: note.kind === "experiment" ? listBatches(listRuns(repo, { experiment: note.id })) : [],
    sections: written,
    unwritten: empty,
  };
}
