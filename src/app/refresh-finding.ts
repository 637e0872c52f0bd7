import { toFinding } from "../kb/finding.ts";
import type { NoteChange } from "../kb/kb-store.ts";
import { type ArtifactNote, readNote } from "../kb/knowledge-base.ts";
import { folderOf, identify } from "../kb/note-place.ts";
import { setMarkedBlock } from "../kb/body-edit.ts";
import { renderResults } from "../kb/results-table.ts";
import { AexpError } from "../model/errors.ts";
import { type CitedRuns, citedRuns } from "./cited-runs.ts";
import { findNote, requireText } from "./find-note.ts";
import type { Repo } from "./repo.ts";

/** What became of one finding's results table. */
export type RefreshedFinding =
  | {
      readonly outcome: "renewed" | "up to date" | "uncited";
      readonly id: string;
      readonly path: string;
      /** How many runs the table is about. */
      readonly runs: number;
    }
  | { readonly outcome: "failed"; readonly name: string; readonly error: AexpError };

/** What the results table stands between. */
const BLOCK = "results";
const SECTION = "Evidence";

/**
 * Writes the results tables of findings anew, from what the ledger and the store say now; only notes whose table
 * changes are touched. One that fails does not stop the others.
 *
 * @param names ids or files; `all` for every finding that cites a run
 * @param isCheck nothing is written; `renewed` then means that the table is out of date
 * @throws {AexpError} `note.locked`, and others when nothing can be written at all
 */
export async function refreshFindings(
  repo: Repo,
  names: readonly string[] | "all",
  { isCheck = false }: { readonly isCheck?: boolean } = {},
): Promise<readonly RefreshedFinding[]> {
  const renew = (): ReturnType<typeof renewAll> => renewAll(repo, names);
  return isCheck ? (await renew()).value : await repo.notes.edit(renew);
}

/** The text of a finding with the results of its runs in the Evidence section. @throws {AexpError} `note.not_editable` */
export function withResults(text: string, id: string, cited: CitedRuns): string {
  // Formatters of Markdown would put the blank lines there, and the table would count as out of date.
  return setMarkedBlock(text, BLOCK, SECTION, `\n${renderResults(id, cited)}\n`);
}

async function renewAll(
  repo: Repo,
  names: readonly string[] | "all",
): Promise<{ changes: readonly NoteChange[]; value: readonly RefreshedFinding[] }> {
  const sources = names === "all" ? await allFindings(repo) : await namedFindings(repo, names);
  const cited = citedRuns(
    repo,
    sources.map((source) => ("note" in source ? source.citations : [])),
  );
  const changes: NoteChange[] = [];
  const value = sources.flatMap((source, index): readonly RefreshedFinding[] => {
    const runs = cited[index];
    if (!("note" in source) || runs === undefined) return "note" in source ? [] : [source];
    const { id, path } = source.note;
    if (source.citations.length === 0 && !source.text.includes(`<!-- aexp:${BLOCK}:begin -->`)) {
      return names === "all" ? [] : [{ outcome: "uncited", id, path, runs: 0 }];
    }
    try {
      const text = withResults(source.text, id, runs);
      if (text === source.text) return [{ outcome: "up to date", id, path, runs: runs.runs.length }];
      changes.push({ path, text });
      return [{ outcome: "renewed", id, path, runs: runs.runs.length }];
    } catch (error) {
      return [failed(path, error)];
    }
  });
  return { changes, value };
}

interface Source {
  readonly note: ArtifactNote;
  readonly text: string;
  readonly citations: ReturnType<typeof toFinding>["citations"];
}

type Failure = Extract<RefreshedFinding, { outcome: "failed" }>;

async function allFindings(repo: Repo): Promise<readonly (Source | Failure)[]> {
  const sources: (Source | Failure)[] = [];
  for (const path of repo.notes.list(folderOf("finding"), "flat").files) {
    if (identify(path)?.type !== "artifact") continue;
    const note = await readNote(repo.notes, path);
    if (note.type === "artifact") sources.push(toSource(path, note));
  }
  return sources;
}

async function namedFindings(repo: Repo, names: readonly string[]): Promise<readonly (Source | Failure)[]> {
  const sources = new Map<string, Source | Failure>();
  for (const name of names) {
    try {
      const note = await findNote(repo, name, ["finding"]);
      sources.set(note.path, toSource(name, note));
    } catch (error) {
      sources.set(name, failed(name, error));
    }
  }
  return [...sources.values()];
}

function toSource(name: string, note: ArtifactNote): Source | Failure {
  try {
    const { raw, note: parsed } = requireText(note);
    return { note, text: raw, citations: toFinding(note.path, parsed).citations };
  } catch (error) {
    return failed(name, error);
  }
}

/** Failures that we can explain are results; others are bugs. */
function failed(name: string, error: unknown): Failure {
  if (!(error instanceof AexpError)) throw error;
  return { outcome: "failed", name, error };
}
