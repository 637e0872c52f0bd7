import type { ExportedRun } from "../../src/export/exported-run.ts";
import { parseExactObject } from "../../src/model/exact-json-reader.ts";
import { parseJobId } from "../../src/run/job-id.ts";

/** A run that ended well. @param parameters JSON texts by key */
export function exportedRun(
  parameters: Readonly<Record<string, string>>,
  metrics: Readonly<
    Record<string, ExportedRun["metrics"] extends ReadonlyMap<string, infer Value> ? Value : never>
  > = {},
): ExportedRun {
  const pairs = Object.entries(parameters).map(([key, text]) => `${JSON.stringify(key)}: ${text}`);
  return {
    jobId: parseJobId("0".repeat(32)),
    status: "complete",
    reason: undefined,
    experimentId: "E001",
    hypothesisId: undefined,
    subHypothesisId: undefined,
    machine: "laptop",
    createdAt: "2026-03-01T10:00:00Z",
    startedAt: "2026-03-01T10:00:05Z",
    endedAt: "2026-03-01T10:00:59Z",
    wallclockS: 54.25,
    exitCode: 0,
    statePoint: parseExactObject(`{${pairs.join(", ")}}`),
    metrics: new Map(Object.entries(metrics)),
    outputs: [],
    citedBy: [],
  };
}
