import type { PipelineInput, PipelineOutput, PipelineStage } from "../generated/pipeline.ts";
import { didYouMean } from "../model/nearest.ts";
import { DEFAULT_OUTPUT_KIND, type OutputDeclaration } from "../output/declaration.ts";
import { isAliasName } from "../queue/alias.ts";
import { type NeedText, parseNeed } from "../queue/needs.ts";
import type { FaultList, FaultPath } from "./fault.ts";
import type { RunReference, StageInput } from "./pipeline.ts";
import { toExternalPath, toRelativePath } from "./relative-path.ts";

/** An input that may not yet name its output: that depends on the stage that makes it. */
export type WrittenInput =
  | Exclude<StageInput, { readonly kind: "stage" | "all" }>
  | {
      readonly kind: "stage" | "all";
      readonly name: string;
      readonly stage: string;
      readonly output: string | undefined;
    };

/** What an input may say about where it comes from, and what may be said with it. */
const SOURCES = {
  path: ["hash"],
  stage: ["output", "all"],
  pin: ["output"],
  alias: ["output"],
} as const satisfies Readonly<Partial<Record<keyof PipelineInput, readonly (keyof PipelineInput)[]>>>;

const SOURCE_KEYS = ["path", "stage", "pin", "alias"] as const satisfies readonly (keyof typeof SOURCES)[];
const MORE_KEYS = [
  ["hash", "the run that wrote it says how it is hashed"],
  ["output", "only a run has outputs"],
  ["all", "only a swept stage has elements"],
] as const;

/** The output of a run, as written: `@baseline` or a job id. `undefined` for anything else. */
function parseRunReference(text: string): RunReference | undefined {
  const alias = text.slice(1);
  if (text.startsWith("@") && isAliasName(alias)) return { kind: "alias", alias };
  return /^[0-9a-f]{4,32}$/.test(text) ? { kind: "run", idPrefix: text } : undefined;
}

/** Reads one input; `undefined`, with a fault, when it is none. */
export function readInput(
  name: string,
  section: PipelineInput,
  path: FaultPath,
  faults: FaultList,
): WrittenInput | undefined {
  const sources = SOURCE_KEYS.filter((key) => section[key] !== undefined);
  const [source] = sources;
  if (source === undefined || sources.length > 1) {
    const found = source === undefined ? "none" : sources.join(" and ");
    const message = `the input ${JSON.stringify(name)} needs exactly one of path, stage, pin and alias; it has ${found}`;
    faults.add(path, message, "key");
    return undefined;
  }
  const allowed: readonly string[] = SOURCES[source];
  for (const [key, why] of MORE_KEYS) {
    if (section[key] === undefined || allowed.includes(key)) continue;
    faults.add([...path, key], `${key} means nothing for an input with ${source}: ${why}`, "key");
  }
  return toInput(name, section, path, faults);
}

function toInput(name: string, section: PipelineInput, path: FaultPath, faults: FaultList): WrittenInput | undefined {
  const { path: file, stage, pin, alias, output, hash = "content", all = false } = section;
  if (stage !== undefined) return { kind: all ? "all" : "stage", name, stage, output };
  if (pin !== undefined) return { kind: "pin", name, pin, ...(output !== undefined && { output }) };
  if (alias !== undefined) {
    const reference = parseRunReference(alias.startsWith("@") ? alias : `@${alias}`);
    if (reference?.kind === "alias") {
      return { kind: "alias", name, alias: reference.alias, ...(output !== undefined && { output }) };
    }
    faults.add([...path, "alias"], `${JSON.stringify(alias)} is no name of an alias`);
    return undefined;
  }
  const external = faults.attempt([...path, "path"], () => toExternalPath(file ?? ""));
  return external === undefined ? undefined : { kind: "path", name, path: external, hash };
}

/** Reads the outputs of a stage, in the order given; no two may be at one place. */
export function readOutputs(
  entries: readonly (readonly [string, PipelineOutput])[],
  path: FaultPath,
  faults: FaultList,
): readonly OutputDeclaration[] {
  const outputs: OutputDeclaration[] = [];
  for (const [name, section] of entries) {
    const place = [...path, name];
    const relative = faults.attempt([...place, "path"], () => toRelativePath(section.path, "the path of an output"));
    const marker = faults.attempt([...place, "marker"], () =>
      section.marker === undefined ? undefined : toRelativePath(section.marker, "the marker of an output"),
    );
    const other = outputs.find((known) => known.path === relative);
    if (other !== undefined) {
      const message = `the outputs ${JSON.stringify(other.name)} and ${JSON.stringify(name)} have one path ${JSON.stringify(other.path)}`;
      faults.add([...place, "path"], message);
    }
    outputs.push({
      name,
      path: relative ?? section.path,
      kind: section.kind ?? DEFAULT_OUTPUT_KIND,
      ...(marker !== undefined && { marker }),
      stream: section.stream ?? false,
      hash: section.hash ?? "content",
    });
  }
  return outputs;
}

/** Reads the needs of a stage; each may name a stage once. */
export function readNeeds(
  section: PipelineStage["needs"],
  path: FaultPath,
  faults: FaultList,
): readonly { readonly need: NeedText; readonly path: FaultPath }[] {
  const needs: { need: NeedText; path: FaultPath }[] = [];
  const texts = typeof section === "string" ? [section] : (section ?? []);
  for (const [index, text] of texts.entries()) {
    const place = Array.isArray(section) ? [...path, index] : path;
    const need = faults.attempt(place, () => parseNeed(text));
    if (need === undefined) continue;
    if (needs.some((other) => other.need.name === need.name)) {
      faults.add(place, `${JSON.stringify(need.name)} is needed twice`);
    } else needs.push({ need, path: place });
  }
  return needs;
}

/** Reads the pins of a file. */
export function readPins(
  entries: readonly (readonly [string, string | undefined])[],
  faults: FaultList,
): ReadonlyMap<string, RunReference> {
  const pins = new Map<string, RunReference>();
  for (const [name, text = ""] of entries) {
    const reference = parseRunReference(text);
    if (reference !== undefined) pins.set(name, reference);
    else {
      const message = `${JSON.stringify(text)} names no run: expected @ALIAS, or a job id or at least four of its digits`;
      faults.add(["pins", name], message);
    }
  }
  return pins;
}

/** `there is no stage "trian". Did you mean "train"?` */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const guess = didYouMean(name, known);
  if (guess !== "") return `there is no ${what} ${JSON.stringify(name)}.${guess}`;
  const list = known.length === 0 ? "There is none" : known.length > MOST_LISTED ? "" : `Known: ${known.join(", ")}`;
  return `there is no ${what} ${JSON.stringify(name)}${list === "" ? "" : `. ${list}`}`;
}

const MOST_LISTED = 10;
