import { describeExact, type Exact, ExactNumber, type ExactObject, isExactObject } from "../model/exact-json.ts";
import { didYouMean } from "../model/nearest.ts";
import { isJobId, type JobId } from "../run/job-id.ts";
import { textOf } from "./note.ts";

/** One item of a finding's `supporting_runs`. */
export type Citation =
  | { readonly type: "job"; readonly jobId: JobId; readonly line: number | undefined }
  | {
      readonly type: "batch";
      readonly experimentId: string;
      readonly selector: ExactObject;
      readonly line: number | undefined;
    }
  /** An item that is neither, with a sentence that says why and shows what is accepted. */
  | { readonly type: "fault"; readonly message: string; readonly line: number | undefined };

const ACCEPTED =
  "expected {type: job, id: <32 lowercase hex digits>} or {type: batch, experiment_id: E001, selector: {key: value}}";

/** Reads one item of `supporting_runs`; `place` is how messages call it. */
export function parseCitation(item: Exact, place: string, line: number | undefined): Citation {
  const fault = (problem: string): Citation => ({ type: "fault", message: `${place} ${problem}; ${ACCEPTED}`, line });
  if (!isExactObject(item)) return fault(`is ${describeItem(item)}`);
  const type = item.get("type");
  if (type === undefined) return fault("has no type");
  if (type === "job") return parseJob(item, line, fault);
  if (type === "batch") return parseBatch(item, line, fault);
  const guess = typeof type === "string" ? didYouMean(type, ["job", "batch"]) : "";
  return fault(`has the unknown type ${valueText(type)}${guess === "" ? "" : ` (${guess.trim()})`}`);
}

/** A value that is no list of citations at all. */
export function notCitations(value: Exact, line: number | undefined): Citation {
  return {
    type: "fault",
    message: `supporting_runs is ${describeItem(value)}; expected a list whose items are {type: job, id: <32 lowercase hex digits>} or {type: batch, experiment_id: E001, selector: {key: value}}`,
    line,
  };
}

type Fault = (problem: string) => Citation;

function parseJob(item: ExactObject, line: number | undefined, fault: Fault): Citation {
  const id = item.get("id");
  if (id === undefined) return fault("has no id");
  if (id instanceof ExactNumber) {
    return fault(`has an id that YAML reads as the number ${shorten(id.text)}: quote it, as in id: "0123…"`);
  }
  if (typeof id !== "string") return fault(`has an id that is ${describeItem(id)}`);
  if (isJobId(id)) return { type: "job", jobId: id, line };
  if (isJobId(id.trim().toLowerCase()))
    return fault(`has the id ${valueText(id)}, which must be lowercase, without spaces`);
  return fault(`has the id ${valueText(id)}, which is not 32 hex digits`);
}

function parseBatch(item: ExactObject, line: number | undefined, fault: Fault): Citation {
  const experiment = item.get("experiment_id");
  if (experiment === undefined || experiment === null) return fault("has no experiment_id");
  const experimentId = /^E\d+(?=$|-)/.exec(textOf(experiment) ?? "")?.[0];
  if (experimentId === undefined) {
    return fault(`has the experiment_id ${valueText(experiment)}, which is not E and digits`);
  }
  const selector = item.get("selector") ?? (item.has("selector") ? null : new Map<string, Exact>());
  if (!isExactObject(selector)) return fault(`has a selector that is ${describeItem(selector)}`);
  return { type: "batch", experimentId, selector, line };
}

function describeItem(value: Exact): string {
  if (typeof value === "string") return `the text ${valueText(value)}`;
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  return isExactObject(value) ? "a mapping" : describeExact(value);
}

function valueText(value: Exact): string {
  if (typeof value === "string") return JSON.stringify(shorten(value));
  return value instanceof ExactNumber ? shorten(value.text) : describeItem(value);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
