import type { FileLog, NoteHistory } from "../git/note-history.ts";
import { NOTE_KINDS } from "../kb/artifact.ts";
import type { NoteFile } from "../kb/kb-store.ts";
import { type ArtifactNote, readKnowledgeBase, readNote } from "../kb/knowledge-base.ts";
import { folderOf, identify } from "../kb/note-place.ts";
import { below, buildNoteGraph } from "../kb/note-graph.ts";
import { type Instant, parseInstant } from "../model/clock.ts";
import { AexpError } from "../model/errors.ts";
import { isRunStatus, isTerminal } from "../run/run-status.ts";
import { findNote, idNamedBy } from "./find-note.ts";
import { compareNotes, type NoteRow, type RunCounts, toNoteRow } from "./list-notes.ts";
import { listRuns } from "./list-runs.ts";
import { isRenumbered, type NoteEvent, NoteTeller } from "./note-events.ts";
import type { Repo } from "./repo.ts";

/** Runs of one experiment that ended on one day, with no other event in between. */
export interface RunsFinished {
  readonly type: "runs_finished";
  /** The experiment. */
  readonly id: string;
  /** When the first of them ended; `at` is when the last did. */
  readonly since: Instant;
  readonly runs: RunCounts;
}

/** Something that happened; `at` is `null` for what is not committed yet. */
export type HistoryEvent = {
  readonly at: Instant | null;
  readonly commit?: string;
  readonly author?: string;
} & (NoteEvent | RunsFinished);

/** What happened to a note and to everything below it, oldest first. */
export interface History {
  readonly events: readonly HistoryEvent[];
  /** Whether this clone is shallow and lacks what was before. */
  readonly isCut: boolean;
}

/**
 * Tells what happened to a note and what hangs below it, deleted notes included: from git's log, the working tree, and
 * the runs.
 *
 * @param name id of the note, or its file; also of one that was deleted
 * @throws {AexpError} `note.not_found`, `note.ambiguous`, `git.failed` outside a git repository
 */
export async function readHistory(repo: Repo, past: NoteHistory, name: string): Promise<History> {
  const present = await findOrExplain(repo, name);
  if (!(await repo.git.isRepository())) {
    throw new AexpError(
      `${JSON.stringify(repo.root)} is in no git repository: only git knows what happened to a note`,
      {
        code: "git.failed",
        hint: "Run `git init` and commit the notes; from then on their history is kept.",
      },
    );
  }
  const log = await readLog(repo, past);
  const id = present instanceof AexpError ? idNamedBy(name) : present.id;
  const ids = await idsBelow(repo, past, log, id);
  if (present instanceof AexpError && !ids.has(id)) throw present;

  const told = await tellNotes(repo, past, log, ids);
  return { events: withRuns(told, finishedRuns(repo, ids)), isCut: log.commits.some(({ isCut }) => isCut) };
}

/** The note, or why there is none: it may have been deleted. */
async function findOrExplain(repo: Repo, name: string): Promise<ArtifactNote | AexpError> {
  try {
    return await findNote(repo, name);
  } catch (error) {
    if (error instanceof AexpError && error.code === "note.not_found") return error;
    throw error;
  }
}

async function readLog(repo: Repo, past: NoteHistory): Promise<FileLog> {
  if ((await repo.git.headCommit()) === undefined) return { commits: [], head: new Map() };
  return await past.log([...new Set(NOTE_KINDS.map(folderOf))]);
}

/** The ids of a note and of everything below it, of notes that are gone as well. */
async function idsBelow(repo: Repo, past: NoteHistory, log: FileLog, id: string): Promise<ReadonlySet<string>> {
  const { notes } = await readKnowledgeBase(repo.notes);
  const rows = notes.flatMap((note) => (note.type === "artifact" ? [toNoteRow(note)] : []));
  const gone = await readGone(past, log, new Set(rows.map((row) => row.id)));
  const graph = buildNoteGraph([...rows, ...gone].toSorted((a, b) => compareNotes(a, b, NOTE_KINDS)));
  const roots = graph.notes.filter((note) => note.id === id);
  return new Set([...below(graph, roots, () => true)].map((note) => note.id));
}

/** Notes whose id nobody has any more, as they last were. */
async function readGone(past: NoteHistory, log: FileLog, present: ReadonlySet<string>): Promise<readonly NoteRow[]> {
  const last = new Map<string, { readonly path: string; readonly object: string }>();
  for (const { path, before, after } of log.commits.flatMap(({ versions }) => versions)) {
    const id = idOfPath(path);
    const object = after ?? before[0];
    if (id !== undefined && object !== undefined && !present.has(id)) last.set(id, { path, object });
  }
  const texts = await past.texts([...last.values()].map(({ object }) => object));
  const notes = await Promise.all(
    [...last.values()].map(({ path, object }) => readNote({ read: () => toFile(texts, object) }, path)),
  );
  return notes.flatMap((note) => (note.type === "artifact" ? [toNoteRow(note)] : []));
}

/** The events of notes, oldest first, then those that are not committed yet. */
async function tellNotes(
  repo: Repo,
  past: NoteHistory,
  log: FileLog,
  ids: ReadonlySet<string>,
): Promise<readonly HistoryEvent[]> {
  const commits = log.commits.map((commit) => ({ ...commit, versions: meantOnes(commit.versions, ids) }));
  const open = meantOnes(uncommitted(repo, log.head), ids);
  const objects = commits.flatMap(({ versions }) => versions.flatMap(({ before, after }) => [...before, after ?? []]));
  const texts = await past.texts([...objects.flat(), ...open.flatMap(({ before }) => before)]);
  const toFiles = (some: readonly string[]): readonly NoteFile[] => some.map((object) => toFile(texts, object));

  const teller = new NoteTeller();
  const events: (HistoryEvent & { readonly at: Instant })[] = [];
  for (const { commit, at, author, isCut, versions } of commits) {
    const changes = versions.map(({ path, before, after }) => ({
      path,
      before: toFiles(before),
      after: after === undefined ? undefined : toFile(texts, after),
    }));
    for (const event of await teller.tell(changes, isCut)) {
      if (isAbout(event, ids)) events.push({ at, ...event, commit, author });
    }
  }
  const changes = open.map(({ path, before, after }) => ({ path, before: toFiles(before), after }));
  const last = await teller.tell(changes.filter(({ before, after }) => !isSame(before[0], after)));
  return [...events.toSorted((a, b) => timeOf(a.at) - timeOf(b.at)), ...last.map((event) => ({ at: null, ...event }))];
}

interface Change {
  readonly path: string;
  readonly before: readonly string[];
  readonly after: unknown;
}

/** The changes of notes with these ids; a note that got another id in the same step has two. */
function meantOnes<Version extends Change>(versions: readonly Version[], ids: ReadonlySet<string>): readonly Version[] {
  const isMeant = ({ path }: Version): boolean => ids.has(idOfPath(path) ?? "");
  const [come, gone] = [versions.filter(({ before }) => before.length === 0), versions.filter(isGone)];
  const pairs = come.flatMap((left) =>
    gone.flatMap((right) => (isRenumbered(left.path, right.path) ? [left, right] : [])),
  );
  const hasMeant = pairs.some(isMeant);
  return [...new Set([...versions.filter(isMeant), ...(hasMeant ? pairs : [])])];
}

function isGone({ after }: Change): boolean {
  return after === undefined;
}

/** Whether an event belongs to the history of these notes, and not only to that of one that was paired with them. */
function isAbout(event: NoteEvent, ids: ReadonlySet<string>): boolean {
  return ids.has(event.id) || (event.type === "renumbered" && ids.has(event.before));
}

/** The files at HEAD and in the working tree. */
function uncommitted(
  repo: Repo,
  head: ReadonlyMap<string, string>,
): readonly (Change & { readonly after: NoteFile | undefined })[] {
  const folders = [...new Set(NOTE_KINDS.map(folderOf))];
  const present = new Set(folders.flatMap((folder) => repo.notes.list(folder, "flat").files));
  return [...new Set([...head.keys(), ...present])].map((path) => {
    const object = head.get(path);
    const after = present.has(path) ? repo.notes.read(path) : undefined;
    return { path, before: object === undefined ? [] : [object], after };
  });
}

function isSame(before: NoteFile | undefined, after: NoteFile | undefined): boolean {
  return before?.kind === "text" && after?.kind === "text" && before.text === after.text;
}

interface FinishedRun {
  readonly id: string;
  readonly at: Instant;
  readonly status: string;
}

/** Runs of these experiments that ended, in the order in which they did. */
function finishedRuns(repo: Repo, ids: ReadonlySet<string>): readonly FinishedRun[] {
  const runs: FinishedRun[] = [];
  if (![...ids].some((id) => id.startsWith("E"))) return runs;
  for (const { experimentId: id, endedAt: at, status } of listRuns(repo)) {
    if (id === undefined || !ids.has(id) || at === undefined) continue;
    if (status !== undefined && isRunStatus(status) && isTerminal(status)) runs.push({ id, at, status });
  }
  return runs.toSorted((a, b) => timeOf(a.at) - timeOf(b.at));
}

/** Puts runs between the events. Those of one experiment and day become one event, unless another happened in between. */
function withRuns(events: readonly HistoryEvent[], runs: readonly FinishedRun[]): readonly HistoryEvent[] {
  const all: HistoryEvent[] = [];
  let next = 0;
  for (const event of [...events, undefined]) {
    const until = event === undefined || event.at === null ? Infinity : timeOf(event.at);
    const start = next;
    while (next < runs.length && timeOf(runs[next]?.at ?? "") < until) next += 1;
    all.push(...groupRuns(runs.slice(start, next)));
    if (event !== undefined) all.push(event);
  }
  return all;
}

function groupRuns(runs: readonly FinishedRun[]): readonly HistoryEvent[] {
  const groups = Map.groupBy(runs, ({ id, at }) => `${id} ${at.slice(0, "YYYY-MM-DD".length)}`);
  const events = [...groups.values()].flatMap((group) => {
    const [first, last] = [group.at(0), group.at(-1)];
    if (first === undefined || last === undefined) return [];
    const statuses = Map.groupBy(group, ({ status }) => status);
    const counts = Object.fromEntries([...statuses].map(([status, of]) => [status, of.length]));
    const counted = { total: group.length, by_status: counts };
    return [{ at: last.at, type: "runs_finished" as const, id: first.id, since: first.at, runs: counted }];
  });
  return events.toSorted((a, b) => timeOf(a.at) - timeOf(b.at));
}

function timeOf(at: Instant): number {
  return parseInstant(at) ?? 0;
}

function idOfPath(path: string): string | undefined {
  const found = identify(path);
  return found?.type === "artifact" ? found.id : undefined;
}

function toFile(texts: ReadonlyMap<string, string>, object: string): NoteFile {
  const text = texts.get(object);
  return text === undefined
    ? { kind: "unreadable", problem: "this clone does not have its content" }
    : { kind: "text", text };
}
