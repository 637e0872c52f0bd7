import type { RecordedCode, ReproductionPlaces } from "../code/reproduction-place.ts";
import { isJsonObject } from "../model/json.ts";
import type { OutputStore } from "../output/output-store.ts";
import { readStageWork, type StageWork } from "../pipeline/stage-work.ts";
import type { CommandTemplate } from "../queue/command-template.ts";
import { parseTaskSpec } from "../queue/task-spec.ts";
import type { Task } from "../queue/task.ts";
import type { RunFacts } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";
import { rowOf } from "./list-runs.ts";
import { findRecordedCode } from "./recorded-code.ts";
import { findRecordedCommand, type RecordedCommand } from "./recorded-command.ts";
import { checkRecordedInputs, toRecordedInputs } from "./recorded-inputs.ts";
import { findRecordedResult, type RecordedResult } from "./recorded-result.ts";
import type { Repo } from "./repo.ts";
import type { RunRow } from "./run-row.ts";
import type { InputHasher } from "./stage-ports.ts";

/** Everything that is needed to execute a run again, and to judge what comes of it. */
export interface RecordedRun {
  readonly row: RunRow;
  readonly attempt: number;
  readonly command: RecordedCommand;
  readonly code: RecordedCode;
  readonly stage: StageWork | undefined;
  readonly result: RecordedResult;
  /** What one has to know to judge a reproduction. */
  readonly notes: readonly string[];
}

/** Where it is looked for. */
export interface RecordPorts {
  readonly places: ReproductionPlaces;
  readonly outputs: Pick<OutputStore, "read">;
  readonly hasher: InputHasher;
  /** What the queue knows of a run. */
  readonly task: (jobId: JobId) => Promise<Task | undefined>;
}

/** What a user says instead of what is recorded. */
export interface RecordOverrides {
  readonly commit: string | undefined;
  readonly command: CommandTemplate | undefined;
}

/**
 * Gathers what is recorded of a run, on this machine or in the ledger.
 *
 * @throws {AexpError} `reproduce.*`, `code.unavailable`, `run.not_found`, `run.corrupt`
 */
export async function readRecordedRun(
  repo: Repo,
  ports: RecordPorts,
  jobId: JobId,
  overrides: RecordOverrides,
): Promise<RecordedRun> {
  const { row, record } = rowOf(repo, jobId);
  const facts: RunFacts = row.isLocal ? repo.runs.read(jobId).document.facts : {};
  const attempt = facts.attempt ?? 1;
  const result = findRecordedResult(repo, ports.outputs, { row, facts, entry: record?.entry, attempt });
  const stage = readStage(jobId, facts);
  const command = findRecordedCommand(repo, { row, facts, attempt, template: overrides.command });
  const { code, notes } = await findRecordedCode(repo, ports.places, {
    row,
    facts,
    attempt,
    stage,
    commit: overrides.commit,
  });
  const inputs = toRecordedInputs(stage === undefined ? undefined : await ports.task(jobId));
  await checkRecordedInputs(repo, ports.hasher, jobId, inputs);
  const unchecked = (stage?.inputs.length ?? 0) > 0 && inputs.size === 0;
  return {
    row,
    attempt,
    command,
    code,
    stage,
    result,
    notes: [
      ...notes,
      ...(row.isLocal ? [] : [`it ran on ${row.machine}, of which only its ledger entry is here`]),
      ...(facts.queue?.origin?.executor === "slurm" ? ["it ran as a job of SLURM; here it is executed directly"] : []),
      ...(unchecked
        ? ["the queue does not know its inputs any more, so nobody can say whether they are the same"]
        : []),
    ],
  };
}

function readStage(jobId: JobId, { queue }: RunFacts): StageWork | undefined {
  const spec: unknown = queue?.spec;
  if (!isJsonObject(spec) || spec["stage"] === undefined) return undefined;
  const { stage } = parseTaskSpec(spec, `run ${jobId}`);
  return stage === undefined ? undefined : readStageWork(stage);
}
