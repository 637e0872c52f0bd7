import type { Random } from "./random.ts";

/** What a stage writes, and whether it can fail; see `chaos-stage.sh`. */
type How = "file" | "folder" | "parts" | "fail" | "alone";

const HOWS = ["file", "file", "file", "folder", "parts"] as const;

/** What stays of a stage from one submission to the next. */
interface StagePlan {
  readonly name: string;
  readonly how: How;
  readonly isSwept: boolean;
  /** Places of those that it reads from. */
  readonly sources: readonly number[];
  /** Whether one element is enough, of those that it reads a list of. */
  readonly isModest: boolean;
  /** Whether the file `extra` is part of its code. */
  readonly hasExtra: boolean;
  readonly seconds: number;
}

/** A graph of stages. */
export type PipelinePlan = readonly StagePlan[];

/** What differs from one submission to the next. */
export interface PipelineState {
  /** The parameter of each stage. */
  readonly params: readonly number[];
  /** How many elements a swept stage has. */
  readonly elements: number;
  /** The file that those read that read from no stage. */
  readonly raw: string;
}

/** A graph of some stages that read from one or two before them. */
export function planPipeline(random: Random, count: number): PipelinePlan {
  const plan: StagePlan[] = [];
  for (let place = 0; place < count; place += 1) {
    const sources = place === 0 ? [] : [random.between(Math.max(0, place - 3), place - 1)];
    if (place > 1 && random.chance(0.4)) sources.push(random.between(0, place - 1));
    // There is at least one of each that a test is about.
    const isSwept = place === 1 || random.chance(0.35);
    const how: How = isSwept && random.chance(0.35) ? "fail" : random.pick(HOWS);
    plan.push({
      name: `s${place}`,
      how: place === 1 ? "fail" : !isSwept && place > 2 && random.chance(0.15) ? "alone" : how,
      isSwept,
      sources: random.chance(0.1) ? [] : [...new Set(sources)],
      isModest: random.chance(0.85),
      hasExtra: random.chance(0.3),
      seconds: random.between(1, 15) / 100,
    });
  }
  return plan;
}

export function firstState(plan: PipelinePlan, random: Random): PipelineState {
  return { params: plan.map(() => random.between(0, 3)), elements: 2, raw: "raw-0.txt" };
}

/** What somebody has made of it who tries something else: most of it is as it was. */
export function changeState(state: PipelineState, random: Random, raws: readonly string[]): PipelineState {
  return {
    params: state.params.map((p) => (random.chance(0.35) ? random.between(0, 3) : p)),
    elements: random.chance(0.3) ? random.between(2, 3) : state.elements,
    raw: random.chance(0.2) ? random.pick(raws) : state.raw,
  };
}

const OUTPUTS: Readonly<Record<How, string>> = {
  file: "path: o.txt",
  folder: "path: deep/o, marker: done, kind: dataset",
  parts: "path: parts, stream: true",
  fail: "path: o.txt",
  alone: "path: o.txt",
};

/** The pipeline's file. Its command is `./stage`, which finds `chaos-stage.sh` by itself. */
export function toPipelineFile(plan: PipelinePlan, { params, elements, raw }: PipelineState): string {
  const stages = plan.flatMap(({ name, how, isSwept, sources, isModest, hasExtra, seconds }, place) => {
    const inputs = sources.map((from) => {
      const source = plan[from];
      const isList = source?.isSwept === true && !isSwept;
      return { name: `i${from}`, isList, value: `{stage: s${from}${isList ? ", all: true" : ""}}` };
    });
    if (inputs.length === 0) inputs.push({ name: "raw", isList: false, value: `{path: ${raw}}` });
    const read = inputs.map((input) => `"{inputs.${input.name}${input.isList ? ".list" : ""}}"`);
    const words = [
      "./stage",
      `"${seconds}"`,
      how,
      name,
      '"{p}"',
      isSwept ? '"{e}"' : "whole",
      '"{outputs.o}"',
      ...read,
    ];
    return [
      `  ${name}:`,
      `    command: [${words.join(", ")}]`,
      `    sp: {p: ${params[place] ?? 0}}`,
      ...(isSwept ? [`    sweep: {e: 0..${elements - 1}}`] : []),
      `    inputs: {${inputs.map((input) => `${input.name}: ${input.value}`).join(", ")}}`,
      `    outputs: {o: {${OUTPUTS[how]}}}`,
      `    code: {paths: [stage${hasExtra ? ", extra" : ""}]}`,
      ...(isModest && inputs.some(({ isList }) => isList) ? ["    min_success: 1"] : []),
      ...(how === "alone" ? ["    cache: off"] : []),
    ];
  });
  return ["name: chaos", "defaults: {experiment: E001}", "stages:", ...stages, ""].join("\n");
}
