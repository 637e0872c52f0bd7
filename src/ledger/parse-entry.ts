import { isLedgerEntry } from "../generated/validators.js";
import { messageOf } from "../model/errors.ts";
import { isExactObject } from "../model/exact-json.ts";
import { parseExactObject } from "../model/exact-json-reader.ts";
import { isJobId } from "../run/job-id.ts";
import type { LedgerRead } from "./ledger-store.ts";

type Malformed = Extract<LedgerRead, { kind: "malformed" }>;

/**
 * Reads the text of one entry. The record's job id is the one that `file` names; `entry.job_id` is what the text says.
 *
 * Whether the two agree, and whether the id is the hash of the state point, is for `ledger verify` and the validator.
 */
export function parseLedgerEntry(file: string, text: string): LedgerRead {
  const malformed = (cause: Malformed["cause"], problem: string): Malformed => ({
    kind: "malformed",
    file,
    problem,
    cause,
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return hasConflictMarkers(text)
      ? malformed("conflict_markers", "the file has conflict markers of git")
      : malformed("not_json", exactProblem(text) ?? messageOf(error));
  }
  if (!isLedgerEntry(value)) {
    const [first] = isLedgerEntry.errors ?? [];
    const place = first === undefined || first.instancePath === "" ? "" : `${first.instancePath.slice(1)}: `;
    return malformed("not_schema", `${place}${first?.message ?? "not a ledger entry"}`);
  }
  const named = file.slice(0, 32);
  const jobId = isJobId(named) ? named : value.job_id;
  if (!isJobId(jobId)) return malformed("not_schema", "job_id: not a job id");
  try {
    const statePoint = parseExactObject(text).get("statepoint");
    if (isExactObject(statePoint)) return { kind: "entry", record: { jobId, entry: value, statePoint }, text };
  } catch (error) {
    return malformed("not_json", messageOf(error));
  }
  return malformed("not_schema", "statepoint: must be an object");
}

/** Lines that git leaves where a merge failed. They can never be part of JSON, so a look at the line starts is enough. */
function hasConflictMarkers(text: string): boolean {
  return /^(?:<{7} |={7}\r?$|>{7} )/m.test(text);
}

/** Our parser names line and column, which the engine's does not always do. */
function exactProblem(text: string): string | undefined {
  try {
    parseExactObject(text);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
