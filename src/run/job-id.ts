import { hash } from "node:crypto";

import { AexpError } from "../model/errors.ts";
import { type ExactObject, toPythonJson } from "../model/exact-json.ts";

declare const brand: unique symbol;

/** The hash of a state point, which names a run: 32 lowercase hex digits. */
export type JobId = string & { readonly [brand]: "JobId" };

export function isJobId(text: string): text is JobId {
  return /^[0-9a-f]{32}$/.test(text);
}

/** @throws {AexpError} `job_id.invalid` */
export function parseJobId(text: string): JobId {
  if (isJobId(text)) return text;
  throw new AexpError(`${JSON.stringify(text)} is not a job id: expected 32 lowercase hex digits`, {
    code: "job_id.invalid",
    hint: "Copy the id from `aexp runs list`.",
  });
}

/** The job id of a state point: MD5 of its canonical JSON, as signac 2 computes it. */
export function toJobId(statePoint: ExactObject): JobId {
  return parseJobId(hash("md5", toPythonJson(statePoint, { sortKeys: true }), "hex"));
}
