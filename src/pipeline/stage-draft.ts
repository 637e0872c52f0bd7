import type { PipelineStage } from "../generated/pipeline.ts";
import { AexpError } from "../model/errors.ts";
import { type Exact, type ExactObject, isExactObject } from "../model/exact-json.ts";
import type { OutputDeclaration } from "../output/declaration.ts";
import { type CommandTemplate, type ParsedTemplate, parseTemplate } from "../queue/command-template.ts";
import type { NeedText } from "../queue/needs.ts";
import type { SweepAxis } from "../queue/sweep.ts";
import { buildStatePoint } from "../run/state-point.ts";
import type { FaultList, FaultPath } from "./fault.ts";
import { STAGE_KEYS, type StageSettings } from "./pipeline.ts";
import { RESERVED_PREFIXES } from "./placeholders.ts";
import { readInput, readNeeds, readOutputs, type WrittenInput } from "./stage-parts.ts";
import { mergeSettings, type OwnSettings, readSettings } from "./stage-settings.ts";
import { readStageSweep } from "./stage-sweep.ts";

/** A stage as far as it can be read without the others. */
export interface StageDraft {
  readonly name: string;
  readonly path: FaultPath;
  readonly settings: StageSettings;
  readonly command: CommandTemplate;
  /** `undefined` when the command cannot be read. */
  readonly template: ParsedTemplate | undefined;
  readonly parameters: ExactObject;
  readonly sweep: readonly SweepAxis[];
  readonly inputs: readonly WrittenInput[];
  readonly outputs: readonly OutputDeclaration[];
  readonly needs: readonly { readonly need: NeedText; readonly path: FaultPath }[];
  readonly minSuccess: number | undefined;
  /** Something of it could not be read, so that what others say about it may be right. */
  readonly isDamaged: boolean;
}

/** What all stages of a file share. */
export interface StageCommon {
  readonly settings: OwnSettings;
  readonly parameters: ExactObject;
}

/** Reads what a stage says about itself. */
export function readStageDraft(
  name: string,
  section: PipelineStage,
  exact: ExactObject,
  {
    common,
    isDamaged,
    faults,
  }: { readonly common: StageCommon; readonly isDamaged: boolean; readonly faults: FaultList },
): StageDraft {
  const path = ["stages", name];
  const settings = mergeSettings(common.settings, readSettings(section, exact, path, faults));
  const before = faults.all.length;
  const own = objectAt(exact, "sp");
  checkParameters(own, [...path, "sp"], faults);
  const sweep = readStageSweep(exact.get("sweep"), [...path, "sweep"], faults);
  checkSweep(sweep, own, [...path, "sweep"], faults);
  const inputs = keysAt(exact, "inputs").flatMap((input) => {
    const written = section.inputs?.[input];
    return (written && readInput(input, written, [...path, "inputs", input], faults)) ?? [];
  });
  const written = keysAt(exact, "outputs").flatMap((output) => {
    const declared = section.outputs?.[output];
    return declared === undefined ? [] : [[output, declared] as const];
  });
  const outputs = readOutputs(written, [...path, "outputs"], faults);
  const needs = readNeeds(section.needs, [...path, "needs"], faults);
  const isWhole = faults.all.length === before && !isDamaged;
  const template = faults.attempt([...path, "command"], () => readTemplate(section.command));
  const swept = new Set(sweep.map(({ key }) => key));
  return {
    name,
    path,
    settings,
    command: section.command,
    template,
    parameters: new Map([...common.parameters, ...own].filter(([key]) => !swept.has(key))),
    sweep,
    inputs,
    outputs,
    needs,
    minSuccess: section.min_success,
    isDamaged: !isWhole,
  };
}

function readTemplate(command: CommandTemplate): ParsedTemplate {
  const [program] = typeof command === "string" ? [command] : command;
  if (program === undefined || program.trim() === "") {
    throw new AexpError("the command is empty", { code: "pipeline.invalid" });
  }
  return parseTemplate(command);
}

/** Checks the parameters that a stage, or the file, gives in `sp`. */
export function checkParameters(parameters: ExactObject, path: FaultPath, faults: FaultList): void {
  for (const [key, value] of parameters) checkParameter(key, value, [...path, key], faults);
}

function checkSweep(sweep: readonly SweepAxis[], own: ExactObject, path: FaultPath, faults: FaultList): void {
  for (const { key, values } of sweep) {
    checkParameter(key, values, [...path, key], faults);
    if (own.has(key)) {
      faults.add([...path, key], `${JSON.stringify(key)} is swept, and has a value in sp as well`, "key");
    }
  }
}

function checkParameter(key: string, value: Exact, path: FaultPath, faults: FaultList): void {
  if (STAGE_KEYS.some((reserved) => reserved === key)) {
    faults.add(path, `${JSON.stringify(key)} cannot be a parameter: aexp sets it for every run of a stage`, "key");
  } else if (RESERVED_PREFIXES.some((reserved) => reserved === key)) {
    faults.add(path, `${JSON.stringify(key)} cannot be a parameter: {${key}} means something else in a command`, "key");
  } else if (key === "experiment_id") {
    const id = typeof value === "string" && /^E\d{3,}$/.test(value) ? value : "E001";
    faults.add(path, `"experiment_id" cannot be a parameter: write experiment: ${id}`, "key");
  } else faults.attempt(path, () => buildStatePoint({ own: new Map([[key, value]]) }));
}

/** The object under a key; an empty one, when something else or nothing is there. */
export function objectAt(object: ExactObject, key: string): ExactObject {
  const inner = object.get(key);
  return isExactObject(inner) ? inner : new Map();
}

/** The keys of an object in the order of the file, which plain objects do not keep for names of digits. */
function keysAt(object: ExactObject, key: string): readonly string[] {
  return [...objectAt(object, key).keys()];
}
