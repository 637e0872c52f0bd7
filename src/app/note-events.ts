import { NOTE_KINDS } from "../kb/artifact.ts";
import type { Citation } from "../kb/citation.ts";
import { toFinding } from "../kb/finding.ts";
import type { NoteFile } from "../kb/kb-store.ts";
import { readNote } from "../kb/knowledge-base.ts";
import { toPythonJson } from "../model/exact-json.ts";
import { compareNotes, type NoteRow, toNoteRow } from "./list-notes.ts";

/** What became of one note file: in a commit, or in the working tree since the last one. */
export interface NoteFileChange {
  readonly path: string;
  /** What it was, in each parent of a merge; nothing where the file is new. */
  readonly before: readonly NoteFile[];
  /** What it is; `undefined` where it is gone. */
  readonly after: NoteFile | undefined;
}

/** What a finding cites: so many single runs, and batches of these experiments. */
export interface Cited {
  readonly runs: number;
  readonly batches: readonly string[];
}

/** What happened to a note. A field that was not set is `null`. */
export type NoteEvent = { readonly id: string } & (
  | {
      /** `existed`: the note is older than what this clone knows. */
      readonly type: "created" | "existed";
      readonly path: string;
      readonly title: string;
      readonly status?: string;
      readonly impact?: string;
      readonly cites?: Cited;
    }
  | {
      readonly type: "status_changed" | "impact_changed" | "title_changed";
      readonly before: string | null;
      readonly after: string | null;
    }
  | { readonly type: "citations_changed"; readonly before: Cited; readonly after: Cited }
  /** `renamed`: paths; `renumbered`: ids. */
  | { readonly type: "renamed" | "renumbered"; readonly before: string; readonly after: string }
  | { readonly type: "deleted"; readonly path: string; readonly title: string }
  | { readonly type: "unreadable"; readonly path: string; readonly problem: string }
);

/** A note as one version of its file has it. */
interface Version {
  readonly row: NoteRow;
  readonly citations: readonly string[];
  readonly cites: Cited;
}

/**
 * Tells what happened to notes, change by change. A version that cannot be read tells so; the next one is compared with
 * the last that could be read.
 */
export class NoteTeller {
  readonly #lastReadable = new Map<string, Version>();

  /**
   * The events of changes that were made together, by note.
   *
   * @param isCut whether files that look new may be older
   */
  async tell(changes: readonly NoteFileChange[], isCut = false): Promise<readonly NoteEvent[]> {
    const told: { readonly row: NoteRow; readonly events: readonly NoteEvent[] }[] = [];
    for (const step of await pairRenames(changes)) {
      const row = step.after?.row ?? step.before.at(0)?.row;
      if (row === undefined) continue;
      told.push({ row, events: [...this.#eventsOf(step, isCut)] });
      if (step.after !== undefined && isReadable(step.after)) this.#lastReadable.set(row.path, step.after);
    }
    return told.toSorted((a, b) => compareNotes(a.row, b.row, NOTE_KINDS)).flatMap(({ events }) => events);
  }

  *#eventsOf({ before, after, formerPath }: Step, isCut: boolean): Generator<NoteEvent> {
    const [first] = before;
    if (after === undefined) {
      if (first !== undefined) yield { type: "deleted", ...pick(first.row) };
      return;
    }
    const { row, cites } = after;
    const { id, path } = row;
    if (first === undefined) {
      const { status, impact } = row;
      yield {
        type: isCut ? "existed" : "created",
        ...pick(row),
        ...(status === undefined ? {} : { status }),
        ...(impact === undefined ? {} : { impact }),
        ...(row.kind === "finding" ? { cites } : {}),
      };
    }
    const formerId = first?.row.id ?? id;
    if (formerId !== id) yield { type: "renumbered", id, before: formerId, after: id };
    else if (formerPath !== undefined) yield { type: "renamed", id, before: formerPath, after: path };
    if (row.problem !== undefined) yield { type: "unreadable", id, path, problem: row.problem };
    else if (first !== undefined) yield* changesOf(this.#readable(formerPath ?? path, before), after);
  }

  #readable(path: string, versions: readonly Version[]): readonly Version[] {
    const readable = versions.filter(isReadable);
    const last = this.#lastReadable.get(path);
    return readable.length > 0 || last === undefined ? readable : [last];
  }
}

/** A note before and after; `formerPath` when its file was called otherwise. */
interface Step {
  readonly before: readonly Version[];
  readonly after: Version | undefined;
  readonly formerPath?: string;
}

/**
 * Whether two paths are those of one note before and after it got another id. Nothing but the number in front of the
 * slug differs then.
 */
export function isRenumbered(a: string, b: string): boolean {
  const [left, right] = [a, b].map((path) => path.replace(/\d+(?=-[^/]*$)/, ""));
  return a !== b && left === right && left !== a;
}

/** A file that goes while another comes with the same id, or else the same slug, is the same note under a new name. */
async function pairRenames(changes: readonly NoteFileChange[]): Promise<readonly Step[]> {
  const steps: (Step & { readonly path: string })[] = [];
  for (const { path, before, after } of changes) {
    const versions = await Promise.all(before.map((file) => readVersion(path, file)));
    const now = after === undefined ? undefined : await readVersion(path, after);
    steps.push({ path, before: versions.filter((version) => version !== undefined), after: now });
  }
  const gone = new Set(steps.filter((step) => step.after === undefined));
  const present = steps.flatMap((step): readonly Step[] => {
    const { before, after } = step;
    if (after === undefined) return [];
    const former = before.length > 0 ? undefined : formerOf(after, gone);
    if (former === undefined) return [step];
    gone.delete(former);
    return [{ before: former.before, after, formerPath: former.path }];
  });
  return [...gone, ...present];
}

function formerOf<Gone extends Step & { readonly path: string }>(
  { row }: Version,
  gone: ReadonlySet<Gone>,
): Gone | undefined {
  return (
    [...gone].find(({ before }) => before[0]?.row.id === row.id) ??
    [...gone].find(({ path }) => isRenumbered(path, row.path))
  );
}

/** @returns `undefined` for a file that is no note with an id */
async function readVersion(path: string, file: NoteFile): Promise<Version | undefined> {
  const note = await readNote({ read: () => file }, path);
  if (note.type !== "artifact") return undefined;
  const citations = note.content.kind === "text" ? toFinding(path, note.content.text.note).citations : [];
  return {
    row: toNoteRow(note),
    citations: citations.map(citationKey).toSorted(),
    cites: {
      runs: citations.filter(({ type }) => type === "job").length,
      batches: citations.flatMap((citation) => (citation.type === "batch" ? [citation.experimentId] : [])),
    },
  };
}

function citationKey(citation: Citation): string {
  if (citation.type === "job") return citation.jobId;
  return citation.type === "batch" ? `${citation.experimentId} ${toPythonJson(citation.selector)}` : citation.message;
}

/** What is as in none of the parents was changed here. Without a parent that could be read, nothing is known. */
function* changesOf(before: readonly Version[], after: Version): Generator<NoteEvent> {
  const [first] = before;
  if (first === undefined) return;
  const { id } = after.row;
  const fields = { title_changed: "title", status_changed: "status", impact_changed: "impact" } as const;
  for (const type of ["title_changed", "status_changed", "impact_changed"] as const) {
    const field = fields[type];
    if (before.some(({ row }) => row[field] === after.row[field])) continue;
    yield { type, id, before: first.row[field] ?? null, after: after.row[field] ?? null };
  }
  const key = after.citations.join("\n");
  if (after.row.kind === "finding" && before.every(({ citations }) => citations.join("\n") !== key)) {
    yield { type: "citations_changed", id, before: first.cites, after: after.cites };
  }
}

function isReadable({ row }: Version): boolean {
  return row.problem === undefined;
}

function pick({ id, path, title }: NoteRow): Pick<NoteRow, "id" | "path" | "title"> {
  return { id, path, title };
}
