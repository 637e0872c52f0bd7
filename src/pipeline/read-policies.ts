import { readFullYaml } from "../kb/full-yaml.ts";
import { AexpError } from "../model/errors.ts";
import { type Exact, type ExactObject, isExactObject } from "../model/exact-json.ts";
import { type Fault, FaultList, type FaultPath, locateFaults, type PipelineFault, renderFault } from "./fault.ts";
import { type Policy, POLICY_INPUT, POLICY_ITEM } from "./policy.ts";
import { readTrigger } from "./policy-trigger.ts";
import { checkPipeline } from "./read-pipeline.ts";
import { findPlaces } from "./yaml-places.ts";

/**
 * Reads the policies of `aexp.yaml`. What a policy executes is written like a stage of a pipeline, and is checked like one;
 * numbers keep their kind.
 *
 * @param file how messages call the file
 * @throws {AexpError} `config.invalid`, with a line for each fault
 */
export async function readPolicies(text: string, file: string): Promise<readonly Policy[]> {
  const read = await readFullYaml(text, 1, "file");
  if ("problem" in read) throw toConfigError([{ file, ...read.problem }]);
  const sections = read.fields.values.get("policies") ?? null;
  const faults = new FaultList();
  const policies = isExactObject(sections) ? readSections(sections, faults) : [];
  if (faults.all.length === 0) return policies;
  const places = await findPlaces(text, faults.all);
  throw toConfigError(locateFaults(file, faults.all, places));
}

function readSections(sections: ExactObject, faults: FaultList): readonly Policy[] {
  return [...sections].flatMap(([name, section]) => {
    const path = ["policies", name];
    if (!/^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_-]{0,99}$/u.test(name)) {
      const message = `${JSON.stringify(name)} cannot be the name of a policy: expected up to 100 letters, digits and _ -`;
      faults.add(path, message, "key");
      return [];
    }
    if (!isExactObject(section)) {
      faults.add(path, `the policy ${JSON.stringify(name)} must be a mapping of keys and values`);
      return [];
    }
    const listens = readTrigger(section.get("on"), path, faults);
    const stage = readStage(name, section, faults);
    return listens === undefined || stage === undefined ? [] : [{ name, listens, stage }];
  });
}

/** Keys of a stage that a policy has no use for. */
const MEANINGLESS = {
  inputs: "a policy reads the output that it is fired for, which its command calls {input}",
  needs: "a policy is fired as soon as there is an output",
  sweep: "a policy submits one run for an output; write a policy for each value",
  min_success: "a policy reads one output",
} as const;

/** What a policy executes, read as the only stage of a pipeline. */
function readStage(name: string, section: ExactObject, faults: FaultList): Policy["stage"] | undefined {
  const path = ["policies", name];
  const own = new Map(section);
  own.delete("on");
  for (const [key, why] of Object.entries(MEANINGLESS)) {
    if (own.delete(key)) faults.add([...path, key], `${key} means nothing for a policy: ${why}`, "key");
  }
  const parameters = section.get("sp");
  const given = isExactObject(parameters) ? parameters : new Map<string, Exact>();
  for (const reserved of [POLICY_INPUT, POLICY_ITEM]) {
    if (!given.has(reserved)) continue;
    const message = `"${reserved}" cannot be a parameter of a policy: {${reserved}} means something else in its command`;
    faults.add([...path, "sp", reserved], message, "key");
  }
  // What its command may ask for besides.
  if (parameters === undefined || isExactObject(parameters)) {
    own.set("sp", new Map([...given, [POLICY_INPUT, new Map([["digest", ""]])], [POLICY_ITEM, ""]]));
  }
  const content = new Map<string, Exact>([
    ["name", "policies"],
    ["stages", new Map([[name, own]])],
  ]);
  const outcome = checkPipeline(content);
  if ("faults" in outcome) {
    faults.all.push(...outcome.faults.map((fault) => toPolicyFault(fault)));
    return undefined;
  }
  const stage = outcome.pipeline.stages.get(name);
  return stage && { ...stage, parameters: new Map([...stage.parameters].filter(([key]) => given.has(key))) };
}

/** A fault of the stage, as one of the policy that it stands for. */
function toPolicyFault({ path, at, message }: Fault): Fault {
  const [, ...rest]: FaultPath = path;
  const words = message
    .replace(/^the stage "/, 'the policy "')
    // A parameter that stands for a mapping is listed by what is in it.
    .replace(" input.digest,", " input, input.digest,");
  return { path: ["policies", ...rest], at, message: words };
}

function toConfigError(faults: readonly PipelineFault[]): AexpError {
  return new AexpError(faults.map(renderFault).join("\n"), {
    code: "config.invalid",
    hint: "docs/pipelines.md shows what a policy may have.",
  });
}
