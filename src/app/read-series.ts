import type { JobId } from "../run/job-id.ts";
import { type MetricSeries, readMetricSeries } from "../run/metric-series.ts";
import type { Repo } from "./repo.ts";

/** A list asks for several columns of the same run in turn; more than that need not be kept. */
const cache = new WeakMap<Repo, { readonly jobId: JobId; readonly series: ReadonlyMap<string, MetricSeries> }>();

/** The metrics of a run over time, from the file that its program appended to; empty for runs of other machines. */
export function readSeries(repo: Repo, jobId: JobId): ReadonlyMap<string, MetricSeries> {
  const kept = cache.get(repo);
  if (kept?.jobId === jobId) return kept.series;
  const series = readMetricSeries(repo.attempts.metricLines(jobId));
  cache.set(repo, { jobId, series });
  return series;
}
