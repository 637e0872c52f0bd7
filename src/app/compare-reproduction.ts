import {
  type ComparedEnd,
  type ComparedMetric,
  type ComparedOutput,
  compareEnds,
  compareMetrics,
  leastLikeness,
  type Likeness,
} from "../code/comparison.ts";
import type { Tolerances } from "../code/tolerance.ts";
import type { AttemptEnd } from "../executor/executor.ts";
import { judgeAttempt } from "../executor/judge-attempt.ts";
import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";
import type { OutputRecord } from "../output/output-record.ts";
import type { OutputStore } from "../output/output-store.ts";
import { summarizeMetrics } from "../run/metric-lines.ts";
import { type RecordedResult, toMetricMap } from "./recorded-result.ts";

/** A recorded result beside a reproduced one. */
export interface ResultComparison {
  readonly likeness: Likeness;
  readonly end: ComparedEnd;
  readonly metrics: readonly ComparedMetric[];
  readonly outputs: readonly ComparedOutput[];
  readonly notCompared: readonly string[];
}

/** What an execution left. */
export interface ReproducedResult {
  readonly end: AttemptEnd;
  readonly metricLines: Iterable<string>;
  /** What took the place of the run's folder. */
  readonly workspace: string;
}

/** Compares what came of a run with what came of it again. */
export async function compareResults(
  outputs: Pick<OutputStore, "verify">,
  recorded: RecordedResult,
  { end, metricLines, workspace }: ReproducedResult,
  tolerances: Tolerances,
): Promise<ResultComparison> {
  const { metrics: found, brokenLines } = summarizeMetrics(metricLines);
  const metrics = compareMetrics(recorded.metrics, toMetricMap(found), tolerances);
  const { exitCode, signal } = end;
  const ends = compareEnds(recorded.end, { reason: judgeAttempt(end.cause).reason?.code, exitCode, signal });
  const compared: ComparedOutput[] = [];
  for (const output of recorded.outputs) compared.push(await compareOutput(outputs, output, workspace));
  const likeness = leastLikeness([ends, ...metrics, ...compared].map((one) => one.likeness));
  const broken = brokenLines === 0 ? [] : [`${brokenLines} lines of its metrics file, which are no JSON objects`];
  return { likeness, end: ends, metrics, outputs: compared, notCompared: [...recorded.notCompared, ...broken] };
}

async function compareOutput(
  outputs: Pick<OutputStore, "verify">,
  record: OutputRecord,
  workspace: string,
): Promise<ComparedOutput> {
  const { name, digest: recorded } = record;
  const verdict = await outputs.verify(record, workspace);
  switch (verdict.state) {
    case "same":
      return { name, recorded, reproduced: recorded, likeness: "same" };
    case "changed":
      return { name, recorded, reproduced: verdict.digest, likeness: "different" };
    case "missing":
      return { name, recorded, reproduced: undefined, likeness: "different" };
    case "unreadable":
      return { name, recorded, reproduced: verdict.message, likeness: "different" };
  }
}

/** Makes sure that every tolerance is for a metric of the run. @throws {AexpError} `cli.usage` */
export function checkTolerances({ metrics }: RecordedResult, { byMetric }: Tolerances): void {
  const unknown = [...byMetric.keys()].find((name) => !metrics.has(name));
  if (unknown === undefined) return;
  const known = [...metrics.keys()];
  throw new AexpError(`the run recorded no metric ${JSON.stringify(unknown)}.${didYouMean(unknown, known)}`, {
    code: "cli.usage",
    hint: known.length === 0 ? "It recorded no metrics at all." : `It recorded ${known.join(", ")}.`,
  });
}
