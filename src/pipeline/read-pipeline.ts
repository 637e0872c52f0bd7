import type { PipelineFile } from "../generated/pipeline.ts";
import { isPipeline } from "../generated/validators.js";
import { readFullYaml } from "../kb/full-yaml.ts";
import { type ExactObject, toPlain } from "../model/exact-json.ts";
import { type Fault, FaultList, locateFaults, type PipelineFault } from "./fault.ts";
import type { Pipeline } from "./pipeline.ts";
import { type Repaired, repair } from "./repair.ts";
import { resolveStages } from "./resolve-stages.ts";
import { findSchemaFaults } from "./schema-faults.ts";
import { checkParameters, objectAt, readStageDraft } from "./stage-draft.ts";
import { readPins } from "./stage-parts.ts";
import { readSettings } from "./stage-settings.ts";
import { findPlaces } from "./yaml-places.ts";

/** A pipeline, or everything that is wrong with its file, in the order of its lines. */
export type PipelineReading =
  | { readonly kind: "pipeline"; readonly pipeline: Pipeline }
  | { readonly kind: "faults"; readonly faults: readonly PipelineFault[] };

/**
 * Reads the text of a pipeline file (`schemas/pipeline.schema.json`) and checks everything that can be known without the
 * repository. Numbers keep their kind, so that a file makes the same runs on every machine. Never throws for what the
 * file says; `toPipelineError` makes an error of the faults.
 *
 * @param file how messages call the file
 */
export async function readPipeline(text: string, file: string): Promise<PipelineReading> {
  const read = await readFullYaml(text, 1, "pipeline");
  if ("problem" in read) return { kind: "faults", faults: [{ file, ...read.problem }] };
  const outcome = checkPipeline(read.fields.values);
  if ("pipeline" in outcome) return { kind: "pipeline", pipeline: outcome.pipeline };
  const places = await findPlaces(text, outcome.faults);
  return { kind: "faults", faults: locateFaults(file, outcome.faults, places) };
}

/** The pipeline that the content of a file describes, or all that is wrong with it. */
export function checkPipeline(
  content: ExactObject,
): { readonly pipeline: Pipeline } | { readonly faults: readonly Fault[] } {
  const faults = new FaultList();
  const whole: unknown = toPlain(content);
  if (isPipeline(whole)) {
    const pipeline = toPipeline(whole, { content, damaged: new Set(), isCommonDamaged: false }, { content, faults });
    return faults.all.length > 0 ? { faults: faults.all } : { pipeline };
  }
  const shape = findSchemaFaults(whole);
  faults.all.push(...shape);
  const repaired = repair(content, shape);
  const rest: unknown = toPlain(repaired.content);
  if (isPipeline(rest)) toPipeline(rest, repaired, { content, faults });
  return { faults: faults.all };
}

function toPipeline(
  plain: PipelineFile,
  { content, damaged, isCommonDamaged }: Repaired,
  written: { readonly content: ExactObject; readonly faults: FaultList },
): Pipeline {
  const { faults } = written;
  const pins = readPins(
    [...objectAt(content, "pins").keys()].map((name) => [name, plain.pins?.[name]]),
    faults,
  );
  const shared = objectAt(content, "defaults");
  const parameters = objectAt(shared, "sp");
  const before = faults.all.length;
  checkParameters(parameters, ["defaults", "sp"], faults);
  const settings = readSettings(plain.defaults ?? {}, shared, ["defaults"], faults);
  const isSharedDamaged = isCommonDamaged || faults.all.length > before;
  const sections = objectAt(content, "stages");
  const drafts = [...sections.keys()].flatMap((name) => {
    const section = plain.stages[name];
    if (section === undefined) return [];
    const context = { common: { settings, parameters }, isDamaged: damaged.has(name), faults };
    return [readStageDraft(name, section, objectAt(sections, name), context)];
  });
  const stages = resolveStages({
    drafts: new Map(drafts.map((draft) => [draft.name, draft])),
    names: new Set(objectAt(written.content, "stages").keys()),
    pins,
    pinNames: [...objectAt(written.content, "pins").keys()],
    isCommonDamaged: isSharedDamaged,
    faults,
  });
  return { name: plain.name, pins, stages: new Map(stages.map((stage) => [stage.name, stage])) };
}
