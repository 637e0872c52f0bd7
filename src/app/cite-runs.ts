import type { Citation } from "../kb/citation.ts";
import { type NewCitation, toCitationYaml } from "../kb/citation-text.ts";
import { toFinding } from "../kb/finding.ts";
import { appendToList } from "../kb/frontmatter-edit.ts";
import { artifactIdOf, fieldOf, type Note, parseNote } from "../kb/note.ts";
import { AexpError } from "../model/errors.ts";
import { type ExactObject, isSameExact, toPythonJson } from "../model/exact-json.ts";
import { type CitedRuns, citedRuns } from "./cited-runs.ts";
import { editNote } from "./edit-note.ts";
import { findNote, requireText } from "./find-note.ts";
import { listRuns } from "./list-runs.ts";
import { withResults } from "./refresh-finding.ts";
import type { Repo } from "./repo.ts";
import { resolveJobId } from "./resolve-run.ts";
import type { RunRow } from "./run-row.ts";

/** What a finding is to cite. */
export interface CitationRequest {
  /** Ids, unique beginnings of ids, or `@last`. */
  readonly runs: readonly string[];
  /** The runs of an experiment that have these parameters; all of them for none. */
  readonly batch?: { readonly experimentId: string; readonly selector: ExactObject } | undefined;
}

/** A finding's text with more citations. */
export interface CitedText {
  readonly text: string;
  /** Those that were not there before. */
  readonly added: readonly NewCitation[];
  /** How many runs the results table is about. */
  readonly runs: number;
  /** What the author should know about the added ones; one sentence each. */
  readonly warnings: readonly string[];
}

/** A finding that cites runs. */
export interface CitedFinding extends Omit<CitedText, "text"> {
  readonly id: string;
  readonly path: string;
}

/**
 * Cites runs in a finding: writes them into `supporting_runs`, and their results into the Evidence section. What is
 * cited already is not cited again; a finding that gains nothing is left as it is.
 *
 * @param selector cites the runs of the finding's own experiment that have these parameters
 * @throws {AexpError} `run.*`, `job_id.invalid`, `finding.cites_nothing`, `note.*`; then nothing is written
 */
export async function citeRuns(
  repo: Repo,
  name: string,
  { runs, selector }: { readonly runs: readonly string[]; readonly selector?: ExactObject | undefined },
): Promise<CitedFinding> {
  const finding = await findNote(repo, name, ["finding"]);
  const { id, path } = finding;
  const { note } = requireText(finding);
  const batch = selector === undefined ? undefined : { experimentId: requireExperiment(id, note), selector };
  const citations = resolveCitations(repo, { runs, batch });
  const cited = await repo.notes.edit(async () => {
    const { raw } = requireText(await findNote(repo, path));
    const { text, ...value } = await editNote(path, async () => withCitations(repo, raw, citations, id));
    return { changes: [{ path, text }], value };
  });
  return { id, path, ...cited };
}

/**
 * The citations that a user asks for.
 *
 * @throws {AexpError} `run.not_found`, `run.ambiguous`, `job_id.invalid`, `finding.cites_nothing` for a batch without any run here
 */
export function resolveCitations(repo: Repo, { runs, batch }: CitationRequest): readonly NewCitation[] {
  const jobs = runs.map((run): NewCitation => ({ type: "job", jobId: resolveJobId(repo, run) }));
  if (batch === undefined) return jobs;
  const { experimentId, selector } = batch;
  const members = listRuns(repo, { experiment: experimentId, parameters: selector });
  if (members.next().done !== true) return [...jobs, { type: "batch", experimentId, selector }];
  const parameters = selector.size === 0 ? "" : ` with the parameters ${toPythonJson(selector)}`;
  throw new AexpError(
    `there is no run of ${experimentId}${parameters} here, neither in the run store nor in the ledger`,
    {
      code: "finding.cites_nothing",
      hint: `\`aexp runs list --experiment ${experimentId}\` shows what is here; values are compared with their type: 1 is not 1.0.`,
    },
  );
}

/**
 * The text of a finding with citations and the results of all its runs.
 *
 * @param id the finding's, for the table and the warnings
 * @throws {AexpError} `note.unreadable`, `note.not_editable`
 */
export async function withCitations(
  repo: Repo,
  text: string,
  citations: readonly NewCitation[],
  id: string,
): Promise<CitedText> {
  const note = await parseFinding(id, text);
  const present = toFinding(id, note).citations;
  const added = missingFrom(present, citations).map((citation) => ({ ...citation, line: undefined }));
  const [all, fresh] = citedRuns(repo, [[...present, ...added], added]);
  if (all === undefined || fresh === undefined) throw new Error("every list of citations has an answer");
  const runs = all.runs.length;
  if (added.length === 0) return { text, added, runs, warnings: [] };
  const cited = await appendToList(text, "supporting_runs", added.map(toCitationYaml));
  return { text: withResults(cited, id, all), added, runs, warnings: warningsOf(id, note, fresh) };
}

async function parseFinding(id: string, text: string): Promise<Note> {
  const read = await parseNote(text);
  if (read.kind === "note") return read.note;
  const { message, line, column } = read.problem;
  throw new AexpError(`${id} cannot be read: ${message} (line ${line}, column ${column})`, {
    code: "note.unreadable",
    hint: "Repair the file; `aexp validate` names every fault.",
  });
}

function requireExperiment(id: string, note: Note): string {
  const experimentId = artifactIdOf(fieldOf(note, "experiment"));
  if (experimentId !== undefined) return experimentId;
  throw new AexpError(`${id} names no experiment, so it has no batch of runs to cite`, {
    code: "cli.usage",
    hint: "Set the field experiment of the finding, or name the runs by their ids.",
  });
}

function missingFrom(present: readonly Citation[], wanted: readonly NewCitation[]): readonly NewCitation[] {
  const missing: NewCitation[] = [];
  for (const citation of wanted) {
    if (![...present, ...missing].some((other) => isSameCitation(other, citation))) missing.push(citation);
  }
  return missing;
}

function isSameCitation(a: Citation | NewCitation, b: NewCitation): boolean {
  if (a.type === "job" && b.type === "job") return a.jobId === b.jobId;
  if (a.type !== "batch" || b.type !== "batch") return false;
  return a.experimentId === b.experimentId && isSameExact(a.selector, b.selector);
}

function warningsOf(id: string, note: Note, { runs, unfinished }: CitedRuns): readonly string[] {
  const experimentId = artifactIdOf(fieldOf(note, "experiment"));
  const broken = runs.filter(({ status }) => status !== "complete");
  const foreign = [...runs, ...unfinished].filter(
    (row) => experimentId !== undefined && row.experimentId !== undefined && row.experimentId !== experimentId,
  );
  return [
    ...(unfinished.length === 0
      ? []
      : [
          `${id} cites ${count(unfinished)} that ${have(unfinished)} not ended: ${examples(unfinished, statusOf)}; ` +
            `\`aexp finding refresh ${id}\` adds the results later`,
        ]),
    ...(broken.length === 0
      ? []
      : [`${id} cites ${count(broken)} that did not complete: ${examples(broken, statusOf)}`]),
    ...(foreign.length === 0
      ? []
      : [
          `${id} is about ${experimentId} and cites ${count(foreign)} of other experiments: ` +
            examples(foreign, (row) => row.experimentId ?? ""),
        ]),
  ];
}

const MAX_EXAMPLES = 3;

function count(rows: readonly RunRow[]): string {
  return rows.length === 1 ? "a run" : `${rows.length} runs`;
}

function have(rows: readonly RunRow[]): string {
  return rows.length === 1 ? "has" : "have";
}

function statusOf({ status }: RunRow): string {
  return status ?? "no status";
}

function examples(rows: readonly RunRow[], say: (row: RunRow) => string): string {
  const named = rows.slice(0, MAX_EXAMPLES).map((row) => `${row.jobId.slice(0, 8)} (${say(row)})`);
  const rest = rows.length - MAX_EXAMPLES;
  return named.join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
