import { type Exact, ExactNumber } from "../model/exact-json.ts";
import { chosenParameters } from "../run/parameters.ts";
import { type CrateEntity, localId, referAll } from "./crate-entity.ts";
import { codeOfRun, type ExportedRun, reasonText, toCellText } from "./exported-run.ts";

/** The identifier of a run in a crate. */
export function runEntityId(jobId: string): string {
  return localId(`run-${jobId}`);
}

/** Where the ledger entry of a run lies in a crate. */
export function entryPath(jobId: string): string {
  return `ledger/${jobId}.json`;
}

export function machineEntityId(machine: string): string {
  return localId(`machine-${machine}`);
}

/** The identifier of the code at a commit; `undefined` for a run that has none. */
export function codeEntityId(run: Pick<ExportedRun, "statePoint">): string | undefined {
  const { commit, isDirty } = codeOfRun(run);
  return commit === undefined ? undefined : localId(`code-${commit}${isDirty ? "-dirty" : ""}`);
}

/** The words of schema.org for a status; a word of another tool has none. */
const ACTION_STATUS: Readonly<Record<string, string>> = {
  created: "PotentialActionStatus",
  queued: "PotentialActionStatus",
  running: "ActiveActionStatus",
  finalizing: "ActiveActionStatus",
  complete: "CompletedActionStatus",
  cached: "CompletedActionStatus",
  failed: "FailedActionStatus",
  stopped: "FailedActionStatus",
  abandoned: "FailedActionStatus",
  skipped: "FailedActionStatus",
};

/**
 * A run as entities of a crate: the action, then a `PropertyValue` for each parameter and metric, and what is known of
 * each output. Outputs stay on the machine that made them, so they are described and are no files of the crate.
 *
 * @param hasEntry whether the crate holds the run's ledger entry
 */
export function toRunEntities(run: ExportedRun, hasEntry: boolean): readonly CrateEntity[] {
  const id = runEntityId(run.jobId);
  const parameters = [...chosenParameters(run.statePoint)].map(([key, value]) =>
    toProperty(`${id}/parameter/${encodeURIComponent(key.toWellFormed())}`, key, value),
  );
  const metrics = [...run.metrics].map(([name, value]) =>
    toProperty(`${id}/metric/${encodeURIComponent(name.toWellFormed())}`, name, value),
  );
  const outputs = uniqueByName(run.outputs).map(({ name, digest, bytes }): CrateEntity => ({
    "@id": `${id}/output/${encodeURIComponent(name.toWellFormed())}`,
    "@type": "CreativeWork",
    name,
    identifier: digest,
    contentSize: String(bytes),
    description: `Output of run ${run.jobId}, which is kept where the run made it. The identifier is its digest.`,
  }));
  const results = [...(hasEntry ? [entryPath(run.jobId)] : []), ...[...outputs, ...metrics].map(idOf)];
  return [toAction(run, { parameters: parameters.map(idOf), results }), ...parameters, ...metrics, ...outputs];
}

function toAction(
  run: ExportedRun,
  { parameters, results }: { readonly parameters: readonly string[]; readonly results: readonly string[] },
): CrateEntity {
  const { status, jobId } = run;
  const actionStatus = status !== undefined && Object.hasOwn(ACTION_STATUS, status) ? ACTION_STATUS[status] : undefined;
  const code = codeEntityId(run);
  const isFailed = actionStatus === "FailedActionStatus";
  return {
    "@id": runEntityId(jobId),
    "@type": "CreateAction",
    name: `Run ${jobId.slice(0, 8)}${run.experimentId === undefined ? "" : ` of ${run.experimentId}`}`,
    identifier: jobId,
    description: status === undefined ? "No status is known." : `Status in the ledger of aexp: ${status}.`,
    startTime: run.startedAt,
    endTime: run.endedAt,
    actionStatus: actionStatus === undefined ? undefined : { "@id": `http://schema.org/${actionStatus}` },
    error: isFailed ? (reasonText(run) ?? status) : undefined,
    agent: { "@id": machineEntityId(run.machine) },
    instrument: code === undefined ? undefined : { "@id": code },
    object: referAll(parameters),
    result: referAll(results),
  };
}

function toProperty(id: string, name: string, value: Exact): CrateEntity {
  return { "@id": id, "@type": "PropertyValue", name, value: toPropertyValue(value) };
}

/** Numbers stay numbers, with their text; JSON has none for NaN and infinities. Lists and objects are their JSON. */
function toPropertyValue(value: Exact): string | boolean | ExactNumber {
  if (typeof value === "boolean") return value;
  return value instanceof ExactNumber && value.isFinite() ? value : toCellText(value);
}

/** The last of the outputs of one name: an identifier may occur once. */
function uniqueByName(outputs: ExportedRun["outputs"]): ExportedRun["outputs"] {
  return [...new Map(outputs.map((output) => [output.name, output])).values()];
}

function idOf(entity: CrateEntity): string {
  return entity["@id"];
}
