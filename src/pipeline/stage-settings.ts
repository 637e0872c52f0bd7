import type { PipelineDefaults } from "../generated/pipeline.ts";
import { parseDuration } from "../model/duration.ts";
import { type Exact, type ExactObject, isExactObject, toPythonJson } from "../model/exact-json.ts";
import { nearest } from "../model/nearest.ts";
import { type ComputeRequest, mergeComputeRequests, parseComputeRequest } from "../queue/compute-request.ts";
import { checkKind } from "../queue/pool.ts";
import { DEFAULT_RETRY, type RetryPolicy } from "../queue/task.ts";
import { REASON_CODES, type ReasonCode } from "../run/run-status.ts";
import type { FaultList, FaultPath } from "./fault.ts";
import type { CacheMode, StageSettings } from "./pipeline.ts";
import { toRelativePath } from "./relative-path.ts";

/** The settings that a stage, or `defaults`, says itself. */
export type OwnSettings = Omit<StageSettings, "cache" | "resources"> & {
  readonly cache?: CacheMode;
  readonly resources?: readonly string[];
};

/** What `defaults` and a stage have in common, read; what cannot be read is a fault and left out. */
export function readSettings(
  section: PipelineDefaults,
  exact: ExactObject,
  path: FaultPath,
  faults: FaultList,
): OwnSettings {
  const {
    experiment,
    hypothesis,
    sub_hypothesis: subHypothesis,
    lane,
    priority,
    kind,
    tag,
    cache,
    container,
  } = section;
  const timeoutMs = faults.attempt([...path, "timeout"], () => toMs(section.timeout));
  const retry = readRetry(section.retry, [...path, "retry"], faults);
  faults.attempt([...path, "kind"], () => kind !== undefined && checkKind(kind));
  const salt = exact.get("cache_salt");
  const codePaths = readCodePaths(section.code, [...path, "code", "paths"], faults);
  return {
    ...(experiment !== undefined && { experiment }),
    ...(hypothesis !== undefined && { hypothesis }),
    ...(subHypothesis !== undefined && { subHypothesis }),
    env: readEnv(exact.get("env"), [...path, "env"], faults),
    ...(lane !== undefined && { lane }),
    ...(priority !== undefined && { priority }),
    ...(kind !== undefined && { kind }),
    ...readResources(section.resources, [...path, "resources"], faults),
    ...(retry !== undefined && { retry }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(tag !== undefined && { tag }),
    ...(cache !== undefined && { cache }),
    ...(salt !== undefined && { cacheSalt: toText(salt) }),
    ...(codePaths !== undefined && { codePaths }),
    ...(container !== undefined && { container }),
  };
}

/** What holds for a stage: its own settings before those of the file. */
export function mergeSettings(defaults: OwnSettings, own: OwnSettings): StageSettings {
  return {
    cache: "on",
    resources: [],
    ...defaults,
    ...own,
    env: new Map([...defaults.env, ...own.env]),
    compute: mergeComputeRequests([defaults.compute, own.compute]),
  };
}

function toMs(value: string | number | undefined): number | undefined {
  return value === undefined ? undefined : parseDuration(String(value), "timeout");
}

/** Not what a person, the cache or another run decided: those would end the same way again. */
const NEVER_RETRIED: readonly ReasonCode[] = ["operator_stop", "removed", "needs_failed", "cache_hit", "interrupted"];

function readRetry(section: PipelineDefaults["retry"], path: FaultPath, faults: FaultList): RetryPolicy | undefined {
  if (section === undefined) return undefined;
  const words = section.on === undefined ? DEFAULT_RETRY.on : listOf(section.on);
  const known = REASON_CODES.filter((code) => !NEVER_RETRIED.includes(code));
  const on = known.filter((code) => words.includes(code));
  for (const [index, word] of words.entries()) {
    if (known.some((code) => code === word)) continue;
    const guess = nearest(word, known);
    const help = guess === undefined ? `Known: ${known.join(", ")}` : `Did you mean ${JSON.stringify(guess)}?`;
    const place = Array.isArray(section.on) ? [...path, "on", index] : [...path, "on"];
    faults.add(place, `${JSON.stringify(word)} is no reason to try again. ${help}`);
  }
  return { ...DEFAULT_RETRY, maxAttempts: section.attempts ?? DEFAULT_RETRY.maxAttempts, on };
}

function readCodePaths(
  section: PipelineDefaults["code"],
  path: FaultPath,
  faults: FaultList,
): readonly string[] | undefined {
  if (section === undefined) return undefined;
  const paths = listOf(section.paths).flatMap((text, index) => {
    const place = Array.isArray(section.paths) ? [...path, index] : path;
    return faults.attempt(place, () => toRelativePath(text, "a path of code")) ?? [];
  });
  if (section.paths.length === 0) faults.add(path, "paths must not be empty");
  return [...new Set(paths)];
}

function readEnv(section: Exact | undefined, path: FaultPath, faults: FaultList): ReadonlyMap<string, string> {
  const env = new Map<string, string>();
  for (const [name, value] of isExactObject(section) ? section : []) {
    const text = toText(value);
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      faults.add([...path, name], `${JSON.stringify(name)} is no name of a variable`, "key");
    } else if (name.startsWith("AEXP_")) {
      faults.add([...path, name], `${JSON.stringify(name)} is not yours to set: aexp tells programs by AEXP_…`, "key");
    } else if (text.includes("\0")) {
      faults.add([...path, name], `the value of ${name} holds a NUL character, which no program can be given`);
    } else env.set(name, text);
  }
  return env;
}

function readResources(
  section: PipelineDefaults["resources"],
  path: FaultPath,
  faults: FaultList,
): { readonly resources?: readonly string[]; readonly compute: ComputeRequest } {
  if (section === undefined) return { compute: {} };
  if (typeof section === "string" || Array.isArray(section)) return { resources: listOf(section), compute: {} };
  const { keys, ...wanted } = section;
  // One by one, so that each fault is told where it is.
  const requests = Object.entries(wanted).flatMap(([key, value]) => {
    const written = key === "mem" && typeof value === "string" ? toSchedulerSize(value) : value;
    return faults.attempt([...path, key], () => parseComputeRequest({ [key]: written }, "resources")) ?? [];
  });
  return { ...(keys !== undefined && { resources: listOf(keys) }), compute: mergeComputeRequests(requests) };
}

/** `8GB` and `8GiB` as schedulers write them: `8G`. */
function toSchedulerSize(text: string): string {
  return text.trim().replace(/^(\d+)\s*([KMGT])i?B$/i, "$1$2");
}

/** A scalar as its owner would write it, numbers with their own text. */
function toText(value: Exact): string {
  return typeof value === "string" ? value : toPythonJson(value);
}

function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : value;
}
