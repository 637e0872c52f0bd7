import { NOTE_SHAPES } from "../kb/artifact.ts";
import { artifactIdOf, fieldOf } from "../kb/note.ts";
import { AexpError } from "../model/errors.ts";
import type { ExactObject } from "../model/exact-json.ts";
import { didYouMean } from "../model/nearest.ts";
import { resolveCitations, withCitations } from "./cite-runs.ts";
import { type CreatedNote, createNote } from "./create-note.ts";
import { findNote, requireText } from "./find-note.ts";
import type { Repo } from "./repo.ts";

/** A finding that is to be. */
export interface FindingRequest {
  readonly title: string;
  readonly experiment: string;
  /** The experiment's own, when absent. */
  readonly hypothesis?: string | undefined;
  readonly impact: string;
  /** Runs to cite: ids, unique prefixes of ids, or `@last`. */
  readonly runs: readonly string[];
  /** Cites the runs of the experiment that have these parameters. */
  readonly selector?: ExactObject | undefined;
}

/** A finding that was made. */
export interface CreatedFinding extends CreatedNote {
  /** How many runs it cites. */
  readonly runs: number;
  /** What its author should know about them. */
  readonly warnings: readonly string[];
}

/**
 * Writes a finding with its citations and their results, and links it from its hypothesis and its experiment.
 *
 * @throws {AexpError} `cli.usage`, `run.*`, `finding.cites_nothing`, and what {@link createNote} throws; nothing is written then
 */
export async function createFinding(repo: Repo, request: FindingRequest): Promise<CreatedFinding> {
  const experiment = await findNote(repo, request.experiment, ["experiment"]);
  const tested = artifactIdOf(fieldOf(requireText(experiment).note, "hypothesis"));
  const hypothesis = await findNote(repo, request.hypothesis ?? tested ?? "", ["hypothesis"]);
  if (tested !== undefined && tested !== hypothesis.id) {
    throw new AexpError(`${experiment.id} tests ${tested}, not ${hypothesis.id}`, {
      code: "cli.usage",
      hint: "Leave --hypothesis out, or name the experiment that tests it.",
    });
  }
  const impact = parseImpact(request.impact);
  const batch =
    request.selector === undefined ? undefined : { experimentId: experiment.id, selector: request.selector };
  const citations = resolveCitations(repo, { runs: request.runs, batch });
  let cited: { readonly runs: number; readonly warnings: readonly string[] } = { runs: 0, warnings: [] };
  const note = await createNote(
    repo,
    {
      kind: "finding",
      title: request.title,
      parents: { hypothesis, experiment },
      values: { HYPOTHESIS_ID: hypothesis.id, EXPERIMENT_ID: experiment.id, IMPACT: impact },
    },
    async (text, id) => {
      const result = await withCitations(repo, text, citations, id);
      cited = result;
      return result.text;
    },
  );
  return { ...note, runs: cited.runs, warnings: cited.warnings };
}

function parseImpact(impact: string): string {
  const known = NOTE_SHAPES.finding.vocabularies["impact"] ?? [];
  const found = known.find((word) => word === impact.toUpperCase());
  if (found !== undefined) return found;
  throw new AexpError(`${JSON.stringify(impact)} is no impact.${didYouMean(impact, known)}`, {
    code: "cli.usage",
    hint: `--impact takes ${known.join(", ")}.`,
  });
}
