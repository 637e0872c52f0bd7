import type { CitedFinding } from "../../app/cite-runs.ts";
import { toPrintable } from "../../model/exact-json.ts";
import { plural } from "./plural.ts";

/** What `finding cite --json` prints. */
export interface CitedFindingJson {
  readonly id: string;
  readonly path: string;
  readonly changed: boolean;
  /** The new citations, as they stand in the note. */
  readonly added: readonly Readonly<Record<string, unknown>>[];
  readonly runs: number;
}

export function toCitedJson({ id, path, added, runs }: CitedFinding): CitedFindingJson {
  return {
    id,
    path,
    changed: added.length > 0,
    added: added.map((citation) =>
      citation.type === "job"
        ? { type: "job", id: citation.jobId }
        : { type: "batch", experiment_id: citation.experimentId, selector: toPrintable(citation.selector) },
    ),
    runs,
  };
}

/** Says what a finding cites now. */
export function citedLine({ id, path, added, runs }: CitedFinding): string {
  if (added.length === 0) return `${id} cites this already; nothing was changed.`;
  return `${id}  ${path}\n${plural(added.length, "new citation")}; its results are of ${plural(runs, "run")}`;
}
