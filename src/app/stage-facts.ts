import { type JsonObject, type JsonValue, withoutUndefined } from "../model/json.ts";
import { toCacheKey } from "../pipeline/cache-key.ts";
import { type InputRecord, parseInputRecords } from "../pipeline/resolved-inputs.ts";
import { toRecipe } from "../pipeline/stage-recipe.ts";
import { readStageWork } from "../pipeline/stage-work.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { Task } from "../queue/task.ts";
import { isSuccess } from "../queue/transitions.ts";
import type { DocumentPatch } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";
import { summarizeMetrics } from "../run/metric-lines.ts";
import type { Repo } from "./repo.ts";

/** What the document of a stage's run says once it has succeeded: what it wrote, from what, and who computed it. */
export async function readStageFacts(
  repo: Repo,
  store: Pick<QueueStore, "outputs">,
  task: Task,
): Promise<DocumentPatch> {
  if (task.spec.stage === undefined) return {};
  // Those of a success of before, when it is executed again.
  if (!isSuccess(task.state)) return { outputs: undefined, stage: undefined };
  const { id, cacheKey, cachedFrom, inputs } = task;
  const outputs = (await store.outputs([id])).filter(({ item }) => item === "");
  return {
    outputs: Object.fromEntries(
      outputs.map(({ name, digest, bytes, files, kind, path }): [string, JsonObject] => [
        name,
        { digest, bytes, files, kind, path },
      ]),
    ),
    stage: withoutUndefined({
      cache_key: cacheKey,
      uncached: cacheKey === undefined ? whyUncached(task) : undefined,
      cached_from: cachedFrom,
      inputs: toDigests(inputs),
    }),
    // Whoever cites a cached run finds the numbers that were computed for it.
    ...(cachedFrom !== undefined && { summary_metrics: metricsOf(repo, cachedFrom) }),
  };
}

function toDigests(inputs: JsonValue | undefined): JsonObject | undefined {
  const records = parseInputRecords(inputs);
  if (records === undefined || records.size === 0) return undefined;
  return Object.fromEntries([...records].map(([name, input]) => [name, digestsOf(input)]));
}

function digestsOf(input: InputRecord): JsonValue {
  return input.kind === "one" ? input.digest : input.elements.map(({ digest }) => digest);
}

/** Its document may not have been written yet: then its metrics are read where it wrote them. */
function metricsOf(repo: Repo, run: JobId): JsonValue | undefined {
  if (!repo.runs.has(run)) return undefined;
  const { facts } = repo.runs.read(run).document;
  const metrics =
    facts.status === "complete" ? facts.summary_metrics : summarizeMetrics(repo.attempts.metricLines(run)).metrics;
  return metrics && withoutUndefined({ ...metrics });
}

/** Why nobody can take the result of a run that was executed. */
function whyUncached({ spec, inputs }: Task): string {
  const records = parseInputRecords(inputs);
  if (spec.stage === undefined || records === undefined) return "its inputs cannot be read";
  const work = readStageWork(spec.stage);
  if (work.cache === "off") return "its cache is off";
  const key = toCacheKey(toRecipe(work, records));
  return typeof key === "string" ? "its outputs are not known" : key.unkeyed;
}
