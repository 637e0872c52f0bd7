import { kindOfId } from "../kb/artifact.ts";
import type { Citation } from "../kb/citation.ts";
import { toFinding } from "../kb/finding.ts";
import { type ArtifactNote, readNote } from "../kb/knowledge-base.ts";
import { folderOf } from "../kb/note-place.ts";
import { AexpError } from "../model/errors.ts";
import { isCited } from "./cited-runs.ts";
import { findNote, idNamedBy, requireText } from "./find-note.ts";
import { listRuns, type RunQuery } from "./list-runs.ts";
import type { Repo } from "./repo.ts";
import { resolveJobId } from "./resolve-run.ts";
import type { RunRow } from "./run-row.ts";

/** Which runs are to be exported. */
export interface ExportSelection {
  readonly query: RunQuery;
  /** Runs by id, and experiments, hypotheses and findings whose runs are meant; none means all runs. */
  readonly names: readonly string[];
  /** Findings; only runs that one of them cites. */
  readonly findings: readonly string[];
}

/** A finding and what it cites. */
export interface CitingFinding {
  readonly id: string;
  readonly citations: readonly Citation[];
}

/** The runs of an export. */
export interface SelectedRuns {
  /** By ascending id, one at a time, read anew at each call. */
  rows(onProgress?: (done: number) => void): Iterable<RunRow>;
  /** Ids of all findings that cite a run. */
  citedBy(row: RunRow): readonly string[];
}

type Test = (row: RunRow) => boolean;

/**
 * Works out which runs are meant.
 *
 * @throws {AexpError} `run.*`, `job_id.invalid`, `note.*` for a name that names nothing, `cli.usage` for a note that has
 *   no runs
 */
export async function selectRuns(repo: Repo, selection: ExportSelection): Promise<SelectedRuns> {
  const named: Test[] = [];
  for (const name of selection.names) named.push(await testOf(repo, name));
  const cited: Test[] = [];
  for (const name of selection.findings) cited.push(await testOfFinding(repo, name));
  const isSelected = (row: RunRow): boolean =>
    (named.length === 0 || named.some((test) => test(row))) && (cited.length === 0 || cited.some((test) => test(row)));
  const findings = await readFindings(repo);
  return {
    *rows(onProgress) {
      for (const row of listRuns(repo, selection.query, onProgress)) if (isSelected(row)) yield row;
    },
    citedBy: (row) =>
      findings.filter(({ citations }) => citations.some((item) => isCited(item, row))).map(({ id }) => id),
  };
}

async function testOf(repo: Repo, name: string): Promise<Test> {
  const id = idNamedBy(name);
  // The letters of an id are upper case: `e001` may be the beginning of a job id.
  const kind = name.startsWith(id) || name.includes("/") ? kindOfId(id) : undefined;
  switch (kind) {
    case undefined: {
      const jobId = resolveJobId(repo, name);
      return (row) => row.jobId === jobId;
    }
    case "experiment":
      await findNote(repo, name);
      return (row) => row.experimentId === id;
    case "hypothesis":
      await findNote(repo, name);
      return (row) => row.hypothesisId === id || row.subHypothesisId === id;
    case "finding":
      return testOfFinding(repo, name);
    case "thread":
    case "literature":
    case "challenge-review":
    case "strategic-review":
      throw new AexpError(`${id} has no runs: only experiments, hypotheses and findings have`, {
        code: "cli.usage",
        hint: `\`aexp graph\` shows which of them belong to ${id}.`,
      });
  }
}

async function testOfFinding(repo: Repo, name: string): Promise<Test> {
  const { id, citations } = citationsOf(await findNote(repo, name, ["finding"]));
  for (const citation of citations) {
    if (citation.type === "fault") repo.warn(`${id}: ${citation.message}`);
    if (citation.type === "job" && !repo.runs.has(citation.jobId) && !repo.ledger.has(citation.jobId)) {
      repo.warn(`${id} cites run ${citation.jobId}, which is neither in the ledger nor in the run store`);
    }
  }
  return (row) => citations.some((citation) => isCited(citation, row));
}

function citationsOf(note: ArtifactNote): CitingFinding {
  return { id: note.id, citations: toFinding(note.path, requireText(note).note).citations };
}

/** Notes that cannot be read cite nothing. */
async function readFindings(repo: Repo): Promise<readonly CitingFinding[]> {
  const findings: CitingFinding[] = [];
  for (const path of repo.notes.list(folderOf("finding"), "flat").files) {
    const note = await readNote(repo.notes, path);
    if (note.type === "artifact" && note.content.kind === "text") findings.push(citationsOf(note));
  }
  return findings;
}
