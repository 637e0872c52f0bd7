import { countPoints, MAX_SWEEP_RUNS } from "../queue/sweep.ts";
import { findCycles } from "./cycles.ts";
import type { FaultList, FaultPath } from "./fault.ts";
import { findJoinProblem } from "./join.ts";
import type { RunReference, Stage, StageInput } from "./pipeline.ts";
import { findUnknownPlaceholders } from "./placeholders.ts";
import type { StageDraft } from "./stage-draft.ts";
import { unknownName, type WrittenInput } from "./stage-parts.ts";

/** More edges between runs than these are taken for a mistake. */
const MAX_EDGES = 1_000_000;

/** What the stages of a file are checked against. */
export interface ResolveContext {
  /** By name, in the order of the file. */
  readonly drafts: ReadonlyMap<string, StageDraft>;
  /** All stages of the file, also those that could not be read at all. */
  readonly names: ReadonlySet<string>;
  readonly pins: ReadonlyMap<string, RunReference>;
  /** All pins of the file, also those that could not be read. */
  readonly pinNames: readonly string[];
  /** Something that stages share could not be read. */
  readonly isCommonDamaged: boolean;
  readonly faults: FaultList;
}

/** Checks everything that stages say about each other, and gives them with every reference resolved. */
export function resolveStages(context: ResolveContext): readonly Stage[] {
  const stages = [...context.drafts.values()].flatMap((draft) => resolveStage(draft, context) ?? []);
  checkCycles(context);
  checkCounts(context);
  return stages;
}

function resolveStage(draft: StageDraft, context: ResolveContext): Stage | undefined {
  const inputs = draft.inputs.flatMap((input) => resolveInput(input, draft, context) ?? []);
  for (const { need, path } of draft.needs) {
    if (!context.names.has(need.name)) context.faults.add(path, unknownStage(need.name, context));
  }
  if (draft.minSuccess !== undefined) checkMinSuccess(draft.minSuccess, inputs, draft, context);
  const { settings, name, command, template, parameters, sweep, outputs } = draft;
  if (template === undefined) return undefined;
  const needs = draft.needs.map(({ need }) => need);
  if (!draft.isDamaged && !context.isCommonDamaged) {
    for (const { path, message } of findUnknownPlaceholders(template, draft)) {
      context.faults.add([...draft.path, "command", ...path], message);
    }
  }
  return { ...settings, name, command, template, parameters, sweep, inputs, outputs, needs };
}

function resolveInput(input: WrittenInput, draft: StageDraft, context: ResolveContext): StageInput | undefined {
  const path = [...draft.path, "inputs", input.name];
  if (input.kind === "path" || input.kind === "alias") return input;
  if (input.kind === "pin") {
    if (!context.pinNames.includes(input.pin)) {
      context.faults.add([...path, "pin"], unknownName("pin", input.pin, context.pinNames));
    }
    return input;
  }
  const { kind, name, stage } = input;
  if (!context.names.has(stage)) {
    context.faults.add([...path, "stage"], unknownStage(stage, context));
    return undefined;
  }
  const source = context.drafts.get(stage);
  if (source === undefined) return undefined;
  const output = resolveOutput(input, source, path, context);
  if (!source.isDamaged && !draft.isDamaged) checkElements(input, source, draft, { path, context });
  if (output === undefined) return undefined;
  return kind === "stage"
    ? { kind, name, stage, output }
    : { kind, name, stage, output, ...(draft.minSuccess !== undefined && { minSuccess: draft.minSuccess }) };
}

/** So many faults get a guess, each of which looks at all names. */
const MOST_GUESSES = 100;

function unknownStage(name: string, { names, faults }: ResolveContext): string {
  if (faults.all.length < MOST_GUESSES) return unknownName("stage", name, [...names]);
  return `there is no stage ${JSON.stringify(name)}`;
}

type FromStage = Extract<WrittenInput, { readonly kind: "stage" | "all" }>;

function resolveOutput(
  { name, output, stage }: FromStage,
  source: StageDraft,
  path: FaultPath,
  { faults }: ResolveContext,
): string | undefined {
  const known = source.outputs.map((declared) => declared.name);
  const [only, another] = known;
  if (output === undefined) {
    if (only !== undefined && another === undefined) return only;
    if (source.isDamaged) return undefined;
    const problem = only === undefined ? "has no output" : `has the outputs ${known.join(", ")}; say which with output`;
    faults.add(path, `the input ${JSON.stringify(name)} comes from ${JSON.stringify(stage)}, which ${problem}`, "key");
    return undefined;
  }
  if (known.includes(output)) return output;
  if (source.isDamaged) return undefined;
  faults.add([...path, "output"], unknownName(`output of the stage ${JSON.stringify(stage)} called`, output, known));
  return undefined;
}

function checkElements(
  { kind, name, stage }: FromStage,
  source: StageDraft,
  draft: StageDraft,
  { path, context }: { readonly path: FaultPath; readonly context: ResolveContext },
): void {
  const input = `the input ${JSON.stringify(name)}`;
  if (kind === "all") {
    if (source.sweep.length > 0) return;
    const message = `${input} takes all elements of ${JSON.stringify(stage)}, which is not swept; leave all out`;
    context.faults.add([...path, "all"], message, "key");
    return;
  }
  const problem = findJoinProblem(draft.sweep, source.sweep);
  if (problem === undefined) return;
  const count = countPoints(source.sweep);
  const message =
    problem.kind === "several"
      ? `${input} takes one element of ${JSON.stringify(stage)}, which has ${count}; write all: true for a list of them, or sweep ${JSON.stringify(draft.name)} over ${problem.keys.join(", ")} as well`
      : `${input} takes the element of ${JSON.stringify(stage)} with the same ${problem.key}, and there is none with ${problem.key}=${problem.value}`;
  context.faults.add(path, message, "key");
}

function checkMinSuccess(
  minSuccess: number,
  inputs: readonly StageInput[],
  draft: StageDraft,
  { drafts, faults }: ResolveContext,
): void {
  const path = [...draft.path, "min_success"];
  const all = inputs.filter((input) => input.kind === "all");
  if (all.length === 0 && !draft.isDamaged && inputs.length === draft.inputs.length) {
    faults.add(path, "min_success counts the elements behind an input with all: true, and there is none", "key");
  }
  for (const { stage } of all) {
    const count = countPoints(drafts.get(stage)?.sweep ?? []);
    if (minSuccess <= count) continue;
    faults.add(path, `min_success is ${minSuccess}, and ${JSON.stringify(stage)} has ${count} elements`);
  }
}

function checkCycles({ drafts, faults }: ResolveContext): void {
  const sources = new Map([...drafts].map(([name, draft]) => [name, sourcesOf(draft)]));
  const cycles = findCycles(drafts.keys(), (name) => [...(sources.get(name)?.keys() ?? [])]);
  for (const cycle of cycles) {
    const [first = "", second = ""] = cycle;
    const path = sources.get(first)?.get(second) ?? ["stages", first];
    faults.add(path, `the stages form a cycle: ${cycle.join(" → ")}`);
  }
}

/** The stages that a stage waits for, and where it says so first. */
function sourcesOf({ inputs, needs, path }: StageDraft): ReadonlyMap<string, FaultPath> {
  const sources = new Map<string, FaultPath>();
  for (const input of inputs) {
    if (input.kind !== "stage" && input.kind !== "all") continue;
    if (!sources.has(input.stage)) sources.set(input.stage, [...path, "inputs", input.name, "stage"]);
  }
  for (const { need, path: place } of needs) if (!sources.has(need.name)) sources.set(need.name, place);
  return sources;
}

/** A sweep that is too large is found before anything is made of it. */
function checkCounts({ drafts, faults }: ResolveContext): void {
  const counts = new Map([...drafts].map(([name, { sweep }]) => [name, countPoints(sweep)]));
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total > MAX_SWEEP_RUNS) {
    faults.add(["stages"], `these are ${total} runs; at most ${MAX_SWEEP_RUNS} are queued at once`, "key");
  }
  let edges = 0;
  for (const { name, inputs, needs } of drafts.values()) {
    const own = counts.get(name) ?? 0;
    for (const input of inputs) if (input.kind === "all") edges += own * (counts.get(input.stage) ?? 0);
    for (const { need } of needs) edges += own * (counts.get(need.name) ?? 0);
  }
  if (edges <= MAX_EDGES) return;
  faults.add(
    ["stages"],
    `these stages need each other's runs ${edges} times; at most ${MAX_EDGES} are possible`,
    "key",
  );
}
