import { isJsonObject } from "../../model/json.ts";
import type { ProcessRecord } from "../../run/document.ts";
import { isProcessRecord } from "../../run/process-record.ts";
import type { AttemptCause, AttemptEnd } from "../executor.ts";

/** Who looks after a program: what `process.json` holds of an attempt under a supervisor. */
export interface Supervision {
  readonly program: ProcessRecord;
  readonly supervisor: ProcessRecord;
  /** For whom; when it is dead, another worker may adopt the attempt. */
  readonly worker: ProcessRecord;
  readonly graceMs: number;
}

/** Reads a record of {@link Supervision}; `undefined` for anything else, such as a program without a supervisor. */
export function toSupervision(value: unknown): Supervision | undefined {
  if (!isJsonObject(value)) return undefined;
  const { supervisor, worker, grace_ms: graceMs } = value;
  const program = toProgram(value);
  if (program === undefined || !isProcessRecord(supervisor) || !isProcessRecord(worker)) return undefined;
  return typeof graceMs === "number" ? { program, supervisor, worker, graceMs } : undefined;
}

/** Reads the program's process from a record, whoever looks after it; `undefined` for anything else. */
export function toProgram(value: unknown): ProcessRecord | undefined {
  if (!isProcessRecord(value)) return undefined;
  const { pid, pgid, host, boot_id, start_fingerprint } = value;
  return {
    pid,
    pgid,
    host,
    ...(boot_id === undefined ? {} : { boot_id }),
    ...(start_fingerprint === undefined ? {} : { start_fingerprint }),
  };
}

/** Whether a value from a file or another process is the end of an attempt. */
export function isAttemptEnd(value: unknown): value is AttemptEnd {
  return (
    isJsonObject(value) &&
    isCause(value["cause"]) &&
    typeof value["endedAtMs"] === "number" &&
    typeof value["wallclockS"] === "number" &&
    typeof value["stderrTail"] === "string" &&
    (value["exitCode"] === null || typeof value["exitCode"] === "number") &&
    (value["signal"] === null || typeof value["signal"] === "string")
  );
}

function isCause(value: unknown): value is AttemptCause {
  if (!isJsonObject(value)) return false;
  switch (value["kind"]) {
    case "exited":
      return typeof value["exitCode"] === "number";
    case "signalled":
      return typeof value["signal"] === "string";
    case "out_of_memory":
      return true;
    case "timed_out":
      return typeof value["timeoutMs"] === "number";
    case "stopped":
      return value["by"] === "SIGINT" || value["by"] === "SIGTERM" || value["by"] === "SIGHUP";
    case "not_started":
    case "output_missing":
    case "output_invalid":
    case "lost":
      return typeof value["problem"] === "string";
    default:
      return false;
  }
}
