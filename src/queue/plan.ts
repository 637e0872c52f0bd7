import { COMPUTE_KEYS } from "./compute-request.ts";
import type { PlanEntry, SubmissionPlan } from "../generated/plan.ts";
import { isPlan } from "../generated/validators.js";
import { type Exact, type ExactObject, isExactObject, toPlain } from "../model/exact-json.ts";
import { didYouMean } from "../model/nearest.ts";
import type { CommandTemplate } from "./command-template.ts";

/** An entry of a plan: a run, or all runs of a sweep. What is absent is for the caller to decide. */
export interface PlannedEntry {
  /** Its place among the entries, from 0. */
  readonly index: number;
  readonly name: string | undefined;
  readonly experiment: string | undefined;
  readonly hypothesis: string | undefined;
  readonly subHypothesis: string | undefined;
  readonly parameters: ExactObject;
  readonly sweep: readonly string[];
  readonly command: CommandTemplate | undefined;
  readonly needs: readonly string[];
  readonly lane: string | undefined;
  readonly priority: number | undefined;
  readonly kind: string | undefined;
  readonly resources: readonly string[];
  readonly retries: number | undefined;
  /** As written: `90s`, or a number of seconds. */
  readonly timeout: string | undefined;
  readonly tag: string | undefined;
  /** What is written under `slurm`, by the entry and by what all entries have in common; the entry's own is the last. */
  readonly compute: readonly unknown[];
}

/** A plan file: the runs that it lists, each with what all have in common. */
export interface Plan {
  readonly name: string | undefined;
  readonly entries: readonly PlannedEntry[];
}

/** What is wrong with a plan, and where in it. */
export interface PlanFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Checks the content of a plan file against `schemas/plan.schema.json` and fills its defaults in. */
export function readPlan(content: ExactObject): { readonly plan: Plan } | { readonly fault: PlanFault } {
  const plain: unknown = toPlain(content);
  if (!isPlan(plain)) return { fault: firstFault() };
  const defaults = plain.defaults ?? {};
  const shared = objectAt(content.get("defaults"), "sp");
  const items = content.get("runs");
  const entries = plain.runs.map((entry, index) => {
    const own = objectAt(Array.isArray(items) ? items[index] : undefined, "sp");
    const compute = [defaults.slurm, entry.slurm];
    return toEntry(index, { ...defaults, ...entry }, new Map([...shared, ...own]), compute);
  });
  return { plan: { name: plain.name, entries } };
}

type Merged = PlanEntry & NonNullable<SubmissionPlan["defaults"]>;

function toEntry(index: number, entry: Merged, parameters: ExactObject, compute: readonly unknown[]): PlannedEntry {
  return {
    index,
    name: entry.name,
    experiment: entry.experiment,
    hypothesis: entry.hypothesis,
    subHypothesis: entry.sub_hypothesis,
    parameters,
    sweep: toTexts(entry.sweep),
    command: entry.command,
    needs: toTexts(entry.needs),
    lane: entry.lane,
    priority: entry.priority,
    kind: entry.kind,
    resources: toTexts(entry.resources),
    retries: entry.retries,
    timeout: entry.timeout === undefined ? undefined : String(entry.timeout),
    tag: entry.tag,
    compute,
  };
}

function toTexts(value: string | readonly string[] | undefined): readonly string[] {
  return typeof value === "string" ? [value] : (value ?? []);
}

function objectAt(value: Exact | undefined, key: string): ExactObject {
  const inner = isExactObject(value) ? value.get(key) : undefined;
  return isExactObject(inner) ? inner : new Map();
}

const KEYS: Readonly<Record<string, readonly string[]>> = {
  "": ["version", "name", "defaults", "runs"],
  entry: [
    "name",
    "experiment",
    "hypothesis",
    "sub_hypothesis",
    "sp",
    "sweep",
    "command",
    "needs",
    "lane",
    "priority",
    "kind",
    "resources",
    "retries",
    "timeout",
    "tag",
    "slurm",
  ],
  slurm: COMPUTE_KEYS,
};

/** The first thing that the schema refused, in words. */
function firstFault(): PlanFault {
  const [error] = isPlan.errors ?? [];
  if (error === undefined) throw new Error("the schema refused a plan without saying why");
  const path = error.instancePath
    .split("/")
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part.replaceAll("~1", "/").replaceAll("~0", "~")));
  const { additionalProperty, missingProperty } = error.params;
  if (typeof additionalProperty === "string") {
    const known = KEYS[path.length === 0 ? "" : path.at(-1) === "slurm" ? "slurm" : "entry"] ?? [];
    const message = `unknown key ${JSON.stringify(additionalProperty)}.${didYouMean(additionalProperty, known)}`;
    return { path: [...path, additionalProperty], message };
  }
  if (typeof missingProperty === "string") return { path, message: `the key ${missingProperty} is missing` };
  return { path, message: `${nameOf(path)} ${expectationOf(path, error.message ?? "is invalid")}` };
}

function nameOf(path: readonly (string | number)[]): string {
  const key = path.findLast((part) => typeof part === "string");
  return key ?? "the plan";
}

/** Patterns say nothing to people; what they stand for does. */
function expectationOf(path: readonly (string | number)[], message: string): string {
  switch (nameOf(path)) {
    case "version":
      return "must be 1";
    case "experiment":
      return "must be an id like E001";
    case "hypothesis":
    case "sub_hypothesis":
      return "must be an id like H001";
    default:
      return message.startsWith("must match pattern") ? "must not be empty" : message;
  }
}
