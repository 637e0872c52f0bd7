import { isJsonObject } from "../model/json.ts";
import type { ProcessRecord } from "./document.ts";

/** Whether a value from a file or another process is a process record. */
export function isProcessRecord(value: unknown): value is ProcessRecord {
  return (
    isJsonObject(value) &&
    typeof value["pid"] === "number" &&
    typeof value["pgid"] === "number" &&
    typeof value["host"] === "string" &&
    (value["boot_id"] === undefined || typeof value["boot_id"] === "string") &&
    (value["start_fingerprint"] === undefined || typeof value["start_fingerprint"] === "string")
  );
}
