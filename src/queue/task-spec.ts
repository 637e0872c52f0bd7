import { type ComputeRequest, parseComputeRequest } from "./compute-request.ts";
import { AexpError, messageOf } from "../model/errors.ts";
import { isJsonObject } from "../model/json.ts";
import { isJobId } from "../run/job-id.ts";
import { REASON_CODES } from "../run/run-status.ts";
import { parseStageSpec } from "./stage.ts";
import type { Need, RetryPolicy, TaskSpec } from "./task.ts";

type Fields = { readonly [key: string]: unknown };

/**
 * The spec of a task from parsed JSON; keys that it does not know are left out.
 *
 * @param place - where it was read, for the message
 * @throws {AexpError} `queue.spec_invalid`
 */
export function parseTaskSpec(value: unknown, place: string): TaskSpec {
  if (!isJsonObject(value)) return refuse(place, "spec", value, "an object");
  const field = reader(value, place);
  const { timeoutMs, name, tag, compute, stage } = value;
  return {
    command: field("command", isCommand, "a text or a list of texts"),
    cwd: field("cwd", isText, "a text"),
    lane: field("lane", isText, "a text"),
    kind: field("kind", isText, "a text"),
    priority: field("priority", isInteger, "an integer"),
    needs: field("needs", isNeeds, "a list of needs"),
    resources: field("resources", isTexts, "a list of texts"),
    retry: field("retry", isRetry, "a retry policy"),
    graceMs: field("graceMs", isDuration, "milliseconds"),
    ...(timeoutMs !== undefined && { timeoutMs: field("timeoutMs", isDuration, "milliseconds") }),
    ...(name !== undefined && { name: field("name", isText, "a text") }),
    ...(tag !== undefined && { tag: field("tag", isText, "a text") }),
    ...(compute !== undefined && { compute: parseCompute(compute, place) }),
    ...(stage !== undefined && { stage: parseStageSpec(stage, place) }),
  };
}

function parseCompute(value: unknown, place: string): ComputeRequest {
  try {
    return parseComputeRequest(value, "compute");
  } catch (error) {
    return refuse(place, "compute", value, messageOf(error));
  }
}

function reader(fields: Fields, place: string) {
  return <T>(key: string, is: (value: unknown) => value is T, expected: string): T => {
    const value = fields[key];
    return is(value) ? value : refuse(place, key, value, expected);
  };
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isCommand(value: unknown): value is TaskSpec["command"] {
  return isText(value) || (isTexts(value) && value.length > 0);
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isDuration(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isNeed(value: unknown): value is Need {
  if (!isJsonObject(value)) return false;
  const { run, condition } = value;
  return isText(run) && isJobId(run) && (condition === "success" || condition === "ended");
}

function isNeeds(value: unknown): value is readonly Need[] {
  return Array.isArray(value) && value.every(isNeed);
}

function isRetry(value: unknown): value is RetryPolicy {
  if (!isJsonObject(value)) return false;
  const { maxAttempts, on, baseMs, capMs } = value;
  const knowsCodes = isTexts(on) && on.every((code) => REASON_CODES.some((known) => known === code));
  return isInteger(maxAttempts) && maxAttempts >= 1 && knowsCodes && isDuration(baseMs) && isDuration(capMs);
}

function refuse(place: string, key: string, value: unknown, expected: string): never {
  throw new AexpError(`${place}: ${key} is ${JSON.stringify(value) ?? "missing"}; expected ${expected}`, {
    code: "queue.spec_invalid",
    hint: "Queue the run again with `aexp queue add`.",
  });
}
