import type { RunDetails } from "../../app/show-run.ts";
import { toPrintable } from "../../model/exact-json.ts";
import { toDetailsJson } from "./run-details.ts";

/** Keys of `aexp runs show --json` that are only true or useful on this machine. */
const LOCAL_KEYS: ReadonlySet<string> = new Set([
  "local",
  "folder",
  "log",
  "last_error",
  "waits_for",
  "next",
  "heartbeat_at",
]);

/** A run as `aexp export --format json` prints it. */
export function toExportedJson(details: RunDetails): Record<string, unknown> {
  const shared = Object.entries(toDetailsJson(details)).filter(([key]) => !LOCAL_KEYS.has(key));
  return { ...Object.fromEntries(shared), statepoint: toPrintable(details.row.statePoint) };
}
