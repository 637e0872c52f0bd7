import {
  type Exact,
  ExactNumber,
  type ExactObject,
  isExactObject,
  isSameExact,
  toExact,
  toPlain,
} from "../model/exact-json.ts";
import type { Instant } from "../model/clock.ts";
import { type RunFacts, runLinkOf, toRunDocument } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";
import { isTerminal } from "../run/run-status.ts";

/** What an entry is made of. */
export interface ProjectionInput {
  readonly jobId: JobId;
  readonly statePoint: ExactObject;
  /** The run's whole document. */
  readonly document: ExactObject;
  readonly machineLabel: string;
  readonly promotedAt: Instant;
  /** The user has said that this entry may name folders of this machine. */
  readonly isLocalPathAllowed?: boolean;
}

/** The longest text that counts as a metric. */
const MAX_METRIC_TEXT = 200;

/** The keys of the schema. The projection sets or drops them; any other key of an entry belongs to someone else. */
export const OWN_KEYS: ReadonlySet<string> = new Set([
  "schema_version",
  "job_id",
  "statepoint",
  "run_link",
  "status",
  "reason",
  "started_at",
  "ended_at",
  "wallclock_s",
  "exit_code",
  "tracker",
  "code_commit",
  "code_dirty",
  "summary_metrics",
  "attempt_count",
  "outputs",
  "local_path_allowed",
  "registered_machine",
  "promoted_at",
]);

/**
 * The entry of a finished run: an allow-list, so that nothing that is not named here ever leaves the machine.
 * Optional keys are absent, never null; numbers keep their text. The same input gives the same bytes.
 *
 * @returns `undefined` for a run that is not finished
 */
export function projectEntry(input: ProjectionInput): ExactObject | undefined {
  const { facts } = toRunDocument(toPlain(input.document));
  if (facts.status === undefined || !isTerminal(facts.status)) return undefined;
  const entry = new Map<string, Exact>();
  const set = (key: string, value: Exact | undefined): void => {
    if (value !== undefined && value !== null && !isEmpty(value)) entry.set(key, value);
  };
  const attempts = facts.attempt ?? facts.attempts?.length ?? 1;

  set("schema_version", ExactNumber.int("1"));
  set("job_id", input.jobId);
  entry.set("statepoint", input.statePoint);
  set("run_link", projectLink(facts));
  set("status", facts.status);
  set("reason", projectReason(facts));
  set("started_at", facts.started_at);
  set("ended_at", facts.ended_at);
  set("wallclock_s", facts.wallclock_s === undefined ? undefined : input.document.get("wallclock_s"));
  set("exit_code", typeof facts.exit_code === "number" ? toExact(facts.exit_code) : undefined);
  set("tracker", pickTexts(input.document.get("tracker"), ["backend", "run_id", "url", "project", "group"]));
  set("code_commit", ofType("string", input.statePoint.get("code_commit")));
  set("code_dirty", ofType("boolean", input.statePoint.get("code_dirty")));
  set("summary_metrics", projectMetrics(input.document.get("summary_metrics")));
  set("attempt_count", attempts > 1 ? toExact(attempts) : undefined);
  set("outputs", projectOutputs(input.document.get("outputs")));
  set("local_path_allowed", input.isLocalPathAllowed === true ? true : undefined);
  set("registered_machine", input.machineLabel);
  set("promoted_at", input.promotedAt);
  return entry;
}

/** The projection with what only the entry on disk knows: outcomes from other machines, and keys of others. */
export function keepForeignKeys(entry: ExactObject, existing: ExactObject): ExactObject {
  const kept = [...existing].filter(([key]) => !OWN_KEYS.has(key));
  return new Map([...entry, ...kept]);
}

/** Whether two entries say the same; when they were promoted does not count. */
export function isSameEntry(a: ExactObject, b: ExactObject): boolean {
  return isSameExact(withoutPromotion(a), withoutPromotion(b));
}

function withoutPromotion(entry: ExactObject): ExactObject {
  return new Map([...entry].filter(([key]) => key !== "promoted_at"));
}

/** The first number in a value that JSON cannot write, as `["statepoint.lr", "NaN"]`. */
export function findUnrepresentable(value: Exact, path: string): readonly [string, string] | undefined {
  if (value instanceof ExactNumber) return value.isFinite() ? undefined : [path, value.text];
  if (value === null || typeof value !== "object") return undefined;
  for (const [key, item] of value.entries()) {
    if (item === null || typeof item !== "object") continue;
    const found = findUnrepresentable(item, `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function projectLink(facts: RunFacts): Exact | undefined {
  const link = runLinkOf(facts);
  if (link === undefined) return undefined;
  return withoutNulls({
    experiment_id: link.experiment_id,
    experiment_path: link.experiment_path,
    hypothesis_id: link.hypothesis_id,
    sub_hypothesis_id: link.sub_hypothesis_id,
  });
}

function projectReason({ reason }: RunFacts): Exact | undefined {
  return reason === undefined ? undefined : withoutNulls({ code: reason.code, because: reason.because });
}

function withoutNulls(texts: Readonly<Record<string, string | null | undefined>>): ExactObject {
  return new Map(
    Object.entries(texts).flatMap(([key, text]) => (text === null || text === undefined ? [] : [[key, text] as const])),
  );
}

/** Only finite numbers, booleans and short texts: a curve, a confusion matrix or a sample belongs in the workspace. */
function projectMetrics(metrics: Exact | undefined): Exact | undefined {
  if (!isExactObject(metrics)) return undefined;
  return new Map([...metrics].filter(([, value]) => isMetric(value)));
}

function isMetric(value: Exact): boolean {
  if (value instanceof ExactNumber) return Number.isFinite(value.toNumber());
  return typeof value === "boolean" || (typeof value === "string" && value.length <= MAX_METRIC_TEXT);
}

/** Name, digest and size of each output, in the order of their names; where it lies is nobody else's business. */
function projectOutputs(outputs: Exact | undefined): Exact | undefined {
  const listed = isExactObject(outputs)
    ? [...outputs].map(([name, output]) => (isExactObject(output) ? new Map([["name", name], ...output]) : output))
    : outputs;
  if (!Array.isArray(listed)) return undefined;
  return listed.flatMap((output: Exact) => {
    if (!isExactObject(output)) return [];
    const [name, digest, bytes] = [output.get("name"), output.get("digest"), output.get("bytes")];
    const isSound =
      typeof name === "string" && typeof digest === "string" && bytes instanceof ExactNumber && bytes.kind === "int";
    return isSound
      ? [
          new Map<string, Exact>([
            ["name", name],
            ["digest", digest],
            ["bytes", bytes],
          ]),
        ]
      : [];
  });
}

function pickTexts(value: Exact | undefined, keys: readonly string[]): Exact | undefined {
  if (!isExactObject(value)) return undefined;
  return new Map([...value].filter(([key, item]) => keys.includes(key) && typeof item === "string"));
}

function ofType(type: "string" | "boolean", value: Exact | undefined): Exact | undefined {
  return typeof value === type ? value : undefined;
}

function isEmpty(value: Exact): boolean {
  return isExactObject(value) ? value.size === 0 : Array.isArray(value) && value.length === 0;
}
