import { NOTE_KINDS } from "../kb/artifact.ts";
import type { Citation } from "../kb/citation.ts";
import { toFinding } from "../kb/finding.ts";
import { type ArtifactNote, readKnowledgeBase } from "../kb/knowledge-base.ts";
import { buildNoteGraph, type NoteGraph, prune, withRelatives } from "../kb/note-graph.ts";
import type { JobId } from "../run/job-id.ts";
import { isCited } from "./cited-runs.ts";
import { findNote } from "./find-note.ts";
import { compareNotes, countRuns, type NoteRow, toNoteRow } from "./list-notes.ts";
import { listRuns } from "./list-runs.ts";
import type { Repo } from "./repo.ts";
import type { RunRow } from "./run-row.ts";

/** A note in the graph: of an experiment with its runs, of a finding with how many runs it cites. */
export interface GraphNote extends NoteRow {
  readonly cites?: number;
}

/** Which part of the graph is meant. */
export interface GraphQuery {
  /** A note by its id or file; with it, only what it hangs below and what hangs below it. */
  readonly note?: string | undefined;
  /** Leaves out what was given up, with everything below it. */
  readonly isOpenOnly?: boolean | undefined;
}

/** What a note is that nobody works on any more. */
const GIVEN_UP: readonly (string | undefined)[] = ["CLOSED", "REJECTED", "FAILED"];

/**
 * All notes with an id, and what hangs below what. Every note and every run is read once.
 *
 * @throws {AexpError} `note.not_found`, `note.ambiguous`, `cli.usage` for a name that is no note
 */
export async function readGraph(repo: Repo, query: GraphQuery = {}): Promise<NoteGraph<GraphNote>> {
  const wanted = query.note === undefined ? undefined : await findNote(repo, query.note);
  const { notes } = await readKnowledgeBase(repo.notes);
  const artifacts = notes.filter((note) => note.type === "artifact");
  const rows = withRuns(repo, artifacts).toSorted((a, b) => compareNotes(a, b, NOTE_KINDS));
  const whole = buildNoteGraph(rows);
  const root = rows.find(({ path }) => path === wanted?.path);
  const graph = root === undefined ? whole : withRelatives(whole, root);
  return query.isOpenOnly === true ? prune(graph, ({ status }) => !GIVEN_UP.includes(status)) : graph;
}

function withRuns(repo: Repo, notes: readonly ArtifactNote[]): readonly GraphNote[] {
  const cited = new CitedIds(notes);
  const hasRuns = notes.some(({ kind }) => kind === "experiment" || kind === "finding");
  const counts = countRuns(repo, hasRuns ? cited.watch(listRuns(repo)) : []);
  return notes.map((note) => {
    const row = toNoteRow(note);
    if (note.kind === "experiment") return { ...row, runs: counts.get(row.id) ?? { total: 0, by_status: {} } };
    return note.kind === "finding" ? { ...row, cites: cited.countOf(note.path) } : row;
  });
}

type Batch = Citation & { readonly type: "batch" };

/** Which runs each finding cites, by id or as one of a batch; a run that is cited twice counts once. */
class CitedIds {
  readonly #idsOf = new Map<string, Set<JobId>>();
  readonly #batchesOf = new Map<string, { batch: Batch; ids: Set<JobId> }[]>();

  constructor(notes: readonly ArtifactNote[]) {
    for (const { kind, path, content } of notes) {
      if (kind !== "finding" || content.kind !== "text") continue;
      const ids = new Set<JobId>();
      this.#idsOf.set(path, ids);
      for (const citation of toFinding(path, content.text.note).citations) {
        if (citation.type === "job") ids.add(citation.jobId);
        if (citation.type === "batch") this.#expect(citation, ids);
      }
    }
  }

  /** Passes runs through, and takes note of those that belong to a cited batch. */
  *watch(runs: Iterable<RunRow>): Generator<RunRow> {
    for (const run of runs) {
      for (const { batch, ids } of this.#batchesOf.get(run.experimentId ?? "") ?? []) {
        if (isCited(batch, run)) ids.add(run.jobId);
      }
      yield run;
    }
  }

  countOf(path: string): number {
    return this.#idsOf.get(path)?.size ?? 0;
  }

  #expect(batch: Batch, ids: Set<JobId>): void {
    const known = this.#batchesOf.get(batch.experimentId);
    if (known === undefined) this.#batchesOf.set(batch.experimentId, [{ batch, ids }]);
    else known.push({ batch, ids });
  }
}
