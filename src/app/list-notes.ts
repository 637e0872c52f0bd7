import { isArtifactId, NOTE_SHAPES, type NoteKind, numberOfId } from "../kb/artifact.ts";
import { type ArtifactNote, readNote, titleOf } from "../kb/knowledge-base.ts";
import { folderOf } from "../kb/note-place.ts";
import { artifactIdOf, fieldOf, textOf } from "../kb/note.ts";
import type { Exact } from "../model/exact-json.ts";
import { listRuns } from "./list-runs.ts";
import type { Repo } from "./repo.ts";
import type { RunRow } from "./run-row.ts";

/** Which notes are meant. What is absent does not restrict. */
export interface NoteQuery {
  readonly kinds: readonly NoteKind[];
  /** Upper and lower case are alike. */
  readonly status?: string | undefined;
  readonly tag?: string | undefined;
  /** Id of a note that one of the parent fields names. */
  readonly parent?: string | undefined;
}

/** How many runs an experiment has, by status. */
export interface RunCounts {
  readonly total: number;
  readonly by_status: Readonly<Record<string, number>>;
}

/** One note in a list, as `--json` prints it. What the note does not say is left out. */
export interface NoteRow {
  readonly id: string;
  readonly kind: NoteKind;
  readonly title: string;
  /** Relative to the repository root. */
  readonly path: string;
  readonly status?: string;
  readonly impact?: string;
  /** Ids of parent notes by field. */
  readonly parents: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly created?: string;
  /** Of an experiment. */
  readonly runs?: RunCounts;
  /** Why the note cannot be read; nothing else but id, kind and path is known then. */
  readonly problem?: string;
}

/** The notes of some kinds, by kind and number. */
export async function listNotes(repo: Repo, query: NoteQuery): Promise<readonly NoteRow[]> {
  const rows: NoteRow[] = [];
  for (const folder of new Set(query.kinds.map(folderOf))) {
    for (const path of repo.notes.list(folder, "flat").files) {
      const note = await readNote(repo.notes, path);
      if (note.type === "artifact" && query.kinds.includes(note.kind)) rows.push(toNoteRow(note));
    }
  }
  const wanted = rows.filter((row) => isWanted(row, query)).toSorted((a, b) => compareNotes(a, b, query.kinds));
  return wanted.some(({ kind }) => kind === "experiment") ? withRunCounts(repo, wanted) : wanted;
}

/** What a note says about itself. */
export function toNoteRow(note: ArtifactNote): NoteRow {
  const { id, kind, path, content } = note;
  if (content.kind === "unreadable") {
    return { id, kind, title: titleOf(note), path, parents: {}, tags: [], problem: content.problem };
  }
  const parsed = content.text.note;
  const [status, impact, created] = ["status", "impact", "created"].map((key) => textOf(fieldOf(parsed, key)));
  const parents = NOTE_SHAPES[kind].parents.flatMap(({ field }) => {
    const parent = artifactIdOf(fieldOf(parsed, field));
    return parent === undefined ? [] : [[field, parent] as const];
  });
  return {
    id,
    kind,
    title: titleOf(note),
    path,
    ...(status === undefined ? {} : { status: status.toUpperCase() }),
    ...(impact === undefined ? {} : { impact: impact.toUpperCase() }),
    parents: Object.fromEntries(parents),
    tags: textsOf(parsed.fields.get("tags")),
    ...(created === undefined ? {} : { created }),
  };
}

/** How many runs each experiment has. One pass over all runs. */
export function countRuns(repo: Repo, runs: Iterable<RunRow> = listRuns(repo)): ReadonlyMap<string, RunCounts> {
  const counts = new Map<string, { total: number; by_status: Record<string, number> }>();
  for (const { experimentId, status = "no status" } of runs) {
    if (experimentId === undefined) continue;
    const known = counts.get(experimentId) ?? { total: 0, by_status: {} };
    known.total += 1;
    known.by_status[status] = (known.by_status[status] ?? 0) + 1;
    counts.set(experimentId, known);
  }
  return counts;
}

function withRunCounts(repo: Repo, rows: readonly NoteRow[]): readonly NoteRow[] {
  const counts = countRuns(repo);
  return rows.map((row) =>
    row.kind === "experiment" ? { ...row, runs: counts.get(row.id) ?? { total: 0, by_status: {} } } : row,
  );
}

function isWanted(row: NoteRow, { status, tag, parent }: NoteQuery): boolean {
  return (
    (status === undefined || row.status === status.toUpperCase() || row.impact === status.toUpperCase()) &&
    (tag === undefined || row.tags.some((own) => own.toLowerCase() === tag.replace(/^#/, "").toLowerCase())) &&
    (parent === undefined || Object.values(row.parents).includes(parent.toUpperCase()))
  );
}

/** By kind, in the order of `kinds`, then number, then path. */
export function compareNotes(a: NoteRow, b: NoteRow, kinds: readonly NoteKind[]): number {
  const order = kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || numberOf(a.id) - numberOf(b.id);
  return order === 0 ? (a.path < b.path ? -1 : 1) : order;
}

function numberOf(id: string): number {
  return isArtifactId(id) ? numberOfId(id) : 0;
}

/** A list of texts, or one text with commas. */
function textsOf(value: Exact | undefined): readonly string[] {
  const items = Array.isArray(value) ? value : typeof value === "string" ? value.split(",") : [];
  return items.flatMap((item) => textOf(item)?.replace(/^#/, "") ?? []).filter((text) => text !== "");
}
