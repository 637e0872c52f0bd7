import { isJsonObject } from "../../../model/json.ts";
import type { ProcessRecord } from "../../../run/document.ts";
import { isProcessRecord } from "../../../run/process-record.ts";
import { isJobId } from "../../../run/job-id.ts";
import type { AttemptEnd, AttemptSpec } from "../../executor.ts";
import { isStageAttempt } from "../../stage-attempt.ts";
import { isAttemptEnd } from "../attempt-records.ts";

/** What a worker asks of its supervisor. `id` names an attempt between the two. */
export type Order =
  | {
      readonly kind: "start";
      readonly id: number;
      readonly workspace: string;
      readonly worker: ProcessRecord;
      readonly spec: AttemptSpec;
    }
  /** The command of an attempt that was started may begin now, or never. */
  | { readonly kind: "begin"; readonly id: number; readonly isAllowed: boolean }
  | { readonly kind: "stop"; readonly id: number; readonly mode: "graceful" | "kill" };

/** What a supervisor tells its worker. Of an attempt that could not start, or was over at once, it tells only the end. */
export type Report =
  | { readonly kind: "started"; readonly id: number; readonly process: ProcessRecord }
  | {
      readonly kind: "ended";
      readonly id: number;
      readonly end: AttemptEnd;
      readonly process?: ProcessRecord | undefined;
    }
  /** The supervisor itself has failed and is about to end. */
  | { readonly kind: "failed"; readonly problem: string };

/** Whether a message from another process is an order. */
export function isOrder(value: unknown): value is Order {
  if (!isJsonObject(value) || typeof value["id"] !== "number") return false;
  if (value["kind"] === "stop") return value["mode"] === "graceful" || value["mode"] === "kill";
  if (value["kind"] === "begin") return typeof value["isAllowed"] === "boolean";
  return (
    value["kind"] === "start" &&
    typeof value["workspace"] === "string" &&
    isProcessRecord(value["worker"]) &&
    isAttemptSpec(value["spec"])
  );
}

/** Whether a message from another process is a report. */
export function isReport(value: unknown): value is Report {
  if (!isJsonObject(value)) return false;
  if (value["kind"] === "failed") return typeof value["problem"] === "string";
  if (typeof value["id"] !== "number") return false;
  if (value["kind"] === "started") return isProcessRecord(value["process"]);
  const { process } = value;
  return value["kind"] === "ended" && isAttemptEnd(value["end"]) && (process === undefined || isProcessRecord(process));
}

function isAttemptSpec(value: unknown): value is AttemptSpec {
  return (
    isJsonObject(value) &&
    typeof value["jobId"] === "string" &&
    isJobId(value["jobId"]) &&
    typeof value["attempt"] === "number" &&
    Array.isArray(value["argv"]) &&
    value["argv"].every((word) => typeof word === "string") &&
    typeof value["cwd"] === "string" &&
    isEnvironment(value["env"]) &&
    (value["codePatch"] === undefined || value["codePatch"] instanceof Uint8Array) &&
    (value["timeoutMs"] === undefined || typeof value["timeoutMs"] === "number") &&
    typeof value["heartbeatMs"] === "number" &&
    typeof value["graceMs"] === "number" &&
    (value["stage"] === undefined || isStageAttempt(value["stage"]))
  );
}

function isEnvironment(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  return Object.values(value).every((item) => item === undefined || typeof item === "string");
}
