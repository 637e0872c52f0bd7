import { type Exact, type ExactObject, isExactObject } from "../model/exact-json.ts";
import { didYouMean } from "../model/nearest.ts";
import type { ParsedTemplate } from "../queue/command-template.ts";
import { flattenParameters, parameterAt } from "../run/parameters.ts";
import type { FaultPath } from "./fault.ts";
import type { Stage, StageInput } from "./pipeline.ts";

/** First parts of placeholders that are no parameters. */
export const RESERVED_PREFIXES = [
  "inputs",
  "outputs",
  "run",
  "repo",
  "job_id",
  "workspace",
  "sp_json",
  "sp_json_shell",
] as const;

/** Placeholders of every stage, beside its inputs, outputs and parameters. */
const COMMON = ["run.id", "run.dir", "repo", "job_id", "workspace", "sp_json", "sp_json_shell"] as const;

/** A placeholder that nothing defines, and where in the command it is. */
export interface UnknownPlaceholder {
  /** From the command on: empty for a line, the place of the argument for a list. */
  readonly path: FaultPath;
  readonly message: string;
}

/** What a stage gives names to. */
export interface StageNames extends Pick<Stage, "outputs" | "parameters" | "sweep"> {
  readonly inputs: readonly { readonly kind: StageInput["kind"]; readonly name: string }[];
}

/** The placeholders of a stage's command that nothing defines, each once. */
export function findUnknownPlaceholders(template: ParsedTemplate, stage: StageNames): readonly UnknownPlaceholder[] {
  const seen = new Set<string>();
  return placeholdersOf(template).flatMap(({ name, path }) => {
    if (seen.has(name)) return [];
    seen.add(name);
    const message = problemOf(name, stage);
    return message === undefined ? [] : [{ path, message }];
  });
}

function placeholdersOf(template: ParsedTemplate): readonly { readonly name: string; readonly path: FaultPath }[] {
  const lists = template.kind === "line" ? [template.parts] : template.items;
  return lists.flatMap((parts, index) =>
    parts.flatMap((part) =>
      part.kind === "value" ? [{ name: part.name, path: template.kind === "line" ? [] : [index] }] : [],
    ),
  );
}

function problemOf(name: string, stage: StageNames): string | undefined {
  const dot = name.indexOf(".");
  const prefix = dot === -1 ? name : name.slice(0, dot);
  const rest = dot === -1 ? "" : name.slice(dot + 1);
  if (prefix === "inputs") return problemOfInput(name, rest, stage);
  if (prefix === "outputs") {
    if (stage.outputs.some((output) => output.name === rest)) return undefined;
    const known = stage.outputs.map((output) => output.name);
    return `{${name}} names no output of the stage.${didYouMean(rest, known) || listed(known)}`;
  }
  if (COMMON.some((common) => common === name)) return undefined;
  // The parameters of a condition are written in the experiment, so here nobody knows them.
  if (isDefined(name, stage) || isDefined("condition", stage)) return undefined;
  const known = knownNames(stage);
  return `nothing defines {${name}}.${didYouMean(name, known) || listed(known)}`;
}

function problemOfInput(name: string, rest: string, { inputs }: StageNames): string | undefined {
  const [, inputName = rest, form] = /^(.*)\.(list|digest)$/.exec(rest) ?? [];
  const input = inputs.find((candidate) => candidate.name === inputName);
  if (input === undefined) {
    const known = inputs.map((candidate) => candidate.name);
    return `{${name}} names no input of the stage.${didYouMean(inputName, known) || listed(known)}`;
  }
  if (input.kind === "all" && form === undefined) {
    return `{${name}} stands for many paths; write {${name}.list} for a file that lists them`;
  }
  if (input.kind !== "all" && form === "list") return `{${name}} is no list; write {inputs.${inputName}} for its path`;
  return undefined;
}

/** Whether every element of a stage has a parameter. */
function isDefined(name: string, { parameters, sweep }: StageNames): boolean {
  if (parameterAt(parameters, name) !== undefined) return true;
  return sweep.some(({ key, values }) => values.every((value) => parameterAt(bound(key, value), name) !== undefined));
}

function bound(key: string, value: Exact): ExactObject {
  return new Map([[key, value]]);
}

function knownNames({ inputs, outputs, parameters, sweep }: StageNames): readonly string[] {
  const swept = sweep.flatMap(({ key, values: [first] }) =>
    isExactObject(first) ? [...flattenParameters(bound(key, first)).keys()] : [key],
  );
  return [
    ...flattenParameters(parameters).keys(),
    ...swept,
    ...inputs.map(({ kind, name }) => `inputs.${name}${kind === "all" ? ".list" : ""}`),
    ...outputs.map(({ name }) => `outputs.${name}`),
    ...COMMON,
  ];
}

function listed(known: readonly string[]): string {
  return known.length === 0 ? " It has none" : ` Known: ${known.join(", ")}`;
}
