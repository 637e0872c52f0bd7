import type { RefreshedFinding } from "../../app/refresh-finding.ts";
import { plural } from "./plural.ts";

/** One finding, as `finding refresh --json` prints it. */
export type RefreshedFindingJson =
  | { readonly id: string; readonly path: string; readonly changed: boolean; readonly runs: number }
  | { readonly id: string; readonly changed: false; readonly code: string; readonly message: string };

export function toRefreshedJson(finding: RefreshedFinding): RefreshedFindingJson {
  if (finding.outcome === "failed") {
    const { name, error } = finding;
    return { id: name, changed: false, code: error.code, message: error.message };
  }
  const { id, path, outcome, runs } = finding;
  return { id, path, changed: outcome === "renewed", runs };
}

/** Says which finding failed, and why. */
export function failureLine({ name, error }: Extract<RefreshedFinding, { outcome: "failed" }>): string {
  return error.message.includes(name) ? error.message : `${name}: ${error.message}`;
}

/** Says what became of a table, or with `--check` what would. */
export function refreshedLine(finding: Exclude<RefreshedFinding, { outcome: "failed" }>, isCheck: boolean): string {
  const { outcome, path, runs } = finding;
  if (outcome === "uncited") return `${path}: cites no run`;
  const state = outcome === "renewed" && isCheck ? "out of date" : outcome;
  return `${path}: ${state} (${plural(runs, "run")})`;
}
