import { isObjectId } from "../code/code-identity.ts";
import type { RecordedCode, ReproductionPlaces } from "../code/reproduction-place.ts";
import { AexpError } from "../model/errors.ts";
import type { StageWork } from "../pipeline/stage-work.ts";
import type { RunFacts } from "../run/document.ts";
import type { Repo } from "./repo.ts";
import type { RunRow } from "./run-row.ts";

/** Of which run the code is asked for. */
export interface CodeQuestion {
  readonly row: RunRow;
  readonly facts: RunFacts;
  readonly attempt: number;
  readonly stage: StageWork | undefined;
  /** The commit that the user names instead of what is recorded. */
  readonly commit: string | undefined;
}

/** The code that a run executed, and what has to be said about it. */
export interface CodeAnswer {
  readonly code: RecordedCode;
  readonly notes: readonly string[];
}

/**
 * Which code a run executed: the tree of a stage, or the commit of its state point with the patch of its attempt.
 *
 * @throws {AexpError} `reproduce.code_unknown`, `code.unavailable`
 */
export async function findRecordedCode(
  repo: Repo,
  places: ReproductionPlaces,
  question: CodeQuestion,
): Promise<CodeAnswer> {
  const { row, stage, commit: named } = question;
  if (named !== undefined) {
    const commit = await places.resolveCommit(named);
    return {
      code: { kind: "commit", commit },
      notes: [`it executes the commit that was named, ${commit.slice(0, 10)}`],
    };
  }
  if (stage !== undefined && "tree" in stage.code) {
    const { tree, commit } = stage.code;
    return { code: { kind: "tree", tree, commit }, notes: [] };
  }
  const commit = row.statePoint.get("code_commit");
  if (typeof commit !== "string" || !isObjectId(commit)) throw unknownCode(row, "it records no commit", "HEAD");
  return row.isLocal ? withPatch(repo, places, question, commit) : withoutPatch(row, commit);
}

function withPatch(repo: Repo, places: ReproductionPlaces, question: CodeQuestion, commit: string): CodeAnswer {
  const { row, facts, attempt } = question;
  const summary = facts.queue?.code_diff_summary;
  const difference = typeof summary === "string" ? summary : undefined;
  // The words of `describeCodeDifference`: of all that can differ, only another commit cannot be made up for.
  if (difference?.includes("HEAD is") === true)
    throw unknownCode(row, `it began with other code than it was queued with: ${difference}`, commit);
  const patchFile = places.patchFile(repo.runs.workspaceOf(row.jobId), attempt);
  if (patchFile !== undefined) {
    const note =
      "the changes that were not committed then are applied; files that git did not track are not among them";
    return { code: { kind: "commit", commit, patchFile }, notes: [note] };
  }
  if (row.statePoint.get("code_dirty") === true && difference === undefined)
    throw unknownCode(row, "it ran with changes that were not committed, and they were not kept", commit);
  return { code: { kind: "commit", commit }, notes: [] };
}

function withoutPatch(row: RunRow, commit: string): CodeAnswer {
  if (row.statePoint.get("code_dirty") !== true) return { code: { kind: "commit", commit }, notes: [] };
  throw unknownCode(row, `it ran with changes that were not committed, and they are only on ${row.machine}`, commit);
}

function unknownCode({ jobId }: RunRow, problem: string, commit: string): AexpError {
  return new AexpError(`run ${jobId} cannot be executed again with the same code: ${problem}`, {
    code: "reproduce.code_unknown",
    hint: `Add --commit ${commit} to execute that commit, without anything that was not committed.`,
  });
}
