import type { ExactObject } from "../model/exact-json.ts";
import { countPoints, sweepPoints } from "../queue/sweep.ts";
import type { NeedCondition } from "../queue/task.ts";
import { toJoin } from "./join.ts";
import type { Pipeline, Stage } from "./pipeline.ts";
import { labelOf } from "./stage-sweep.ts";

/** One run of a stage. */
export interface StageElement {
  readonly stage: string;
  /** Its place among the elements of its stage, from 0. */
  readonly index: number;
  /** The swept keys with its values; empty where nothing is swept. */
  readonly bindings: ExactObject;
  /** `lr=0.1,seed=0`; empty where nothing is swept. */
  readonly label: string;
}

/** One element waits for another. `from` and `to` are places in the list of all elements, and `from` is before `to`. */
export type ElementEdge =
  | {
      readonly kind: "input";
      readonly from: number;
      readonly to: number;
      /** Names of the input that is fed, and of the output that feeds it. */
      readonly input: string;
      readonly output: string;
      readonly condition: NeedCondition;
    }
  | { readonly kind: "needs"; readonly from: number; readonly to: number; readonly condition: NeedCondition };

/** A stage and where its elements are. */
export interface ExpandedStage {
  readonly stage: Stage;
  /** How many stages must come before it, one after the other; 0 for one that waits for none. */
  readonly wave: number;
  /** Place of its first element in the list of all, and how many it has. */
  readonly first: number;
  readonly count: number;
}

/** All runs of a pipeline, in an order in which each comes after those that it waits for. */
export interface Expansion {
  /** By wave, and within a wave in the order of the file. */
  readonly stages: readonly ExpandedStage[];
  readonly elements: readonly StageElement[];
  /** Ordered by `to`, then as the stage names its inputs and needs, then by `from`. */
  readonly edges: readonly ElementEdge[];
  /** The names of the stages of each wave. */
  readonly waves: readonly (readonly string[])[];
}

/** The runs of a pipeline and their edges. The same pipeline always gives the same. */
export function expandPipeline(pipeline: Pipeline): Expansion {
  const waves = toWaves(pipeline);
  const stages: ExpandedStage[] = [];
  const elements: StageElement[] = [];
  for (const [wave, names] of waves.entries()) {
    for (const name of names) {
      const stage = stageOf(pipeline, name);
      stages.push({ stage, wave, first: elements.length, count: countPoints(stage.sweep) });
      let index = 0;
      for (const bindings of sweepPoints(stage.sweep)) {
        elements.push({ stage: name, index, bindings, label: labelOf(bindings) });
        index += 1;
      }
    }
  }
  const byName = new Map(stages.map((expanded) => [expanded.stage.name, expanded]));
  const edges = stages.flatMap((expanded) => edgesInto(expanded, byName, elements));
  return { stages, elements, edges, waves };
}

/** For each element the elements that it waits for, each once; where success and end are asked for, success counts. */
export function elementNeeds({
  elements,
  edges,
}: Expansion): readonly (readonly { readonly from: number; readonly condition: NeedCondition }[])[] {
  const needs = elements.map(() => new Map<number, NeedCondition>());
  for (const { from, to, condition } of edges) {
    if (needs[to]?.get(from) !== "success") needs[to]?.set(from, condition);
  }
  return needs.map((one) => [...one].map(([from, condition]) => ({ from, condition })));
}

/** The names of the stages that a stage waits for, in the order in which it names them. */
export function sourceStages({ inputs, needs }: Stage): readonly string[] {
  const sources = inputs.flatMap((input) => (input.kind === "stage" || input.kind === "all" ? [input.stage] : []));
  return [...new Set([...sources, ...needs.map(({ name }) => name)])];
}

/** The stages by how many must come before them. */
function toWaves(pipeline: Pipeline): readonly (readonly string[])[] {
  const waveOf = new Map<string, number>();
  for (const start of pipeline.stages.keys()) {
    // A stack of our own: a chain may be longer than the stack of calls allows.
    const stack = [start];
    for (let name = stack.at(-1); name !== undefined; name = stack.at(-1)) {
      const sources = sourceStages(stageOf(pipeline, name));
      const open = sources.filter((source) => !waveOf.has(source));
      if (open.length > 0) stack.push(...open);
      else {
        waveOf.set(name, 1 + Math.max(-1, ...sources.map((source) => waveOf.get(source) ?? 0)));
        stack.pop();
      }
    }
  }
  const waves: string[][] = [];
  for (const name of pipeline.stages.keys()) (waves[waveOf.get(name) ?? 0] ??= []).push(name);
  return waves;
}

function stageOf(pipeline: Pipeline, name: string): Stage {
  const stage = pipeline.stages.get(name);
  if (stage === undefined) throw new Error(`the pipeline has no stage ${name}`);
  return stage;
}

function edgesInto(
  { stage, first, count }: ExpandedStage,
  byName: ReadonlyMap<string, ExpandedStage>,
  elements: readonly StageElement[],
): readonly ElementEdge[] {
  const sources = [...inputSources(stage, byName), ...needSources(stage, byName)];
  const edges: ElementEdge[] = [];
  for (let to = first; to < first + count; to += 1) {
    const bindings = elements[to]?.bindings ?? new Map();
    for (const source of sources) for (const from of source.elementsFor(bindings)) edges.push(source.toEdge(from, to));
  }
  return edges;
}

interface EdgeSource {
  elementsFor(bindings: ExactObject): Iterable<number>;
  toEdge(from: number, to: number): ElementEdge;
}

function inputSources({ inputs }: Stage, byName: ReadonlyMap<string, ExpandedStage>): readonly EdgeSource[] {
  return inputs.flatMap((input): readonly EdgeSource[] => {
    const source = input.kind === "stage" || input.kind === "all" ? byName.get(input.stage) : undefined;
    if (source === undefined || (input.kind !== "stage" && input.kind !== "all")) return [];
    const { name, output } = input;
    const condition = input.kind === "all" && input.minSuccess !== undefined ? "ended" : "success";
    const join = input.kind === "stage" ? toJoin(source.stage.sweep) : undefined;
    const all = allOf(source);
    return [
      {
        elementsFor: (bindings) => (join === undefined ? all : [source.first + join(bindings)]),
        toEdge: (from, to) => ({ kind: "input", from, to, input: name, output, condition }),
      },
    ];
  });
}

function needSources({ needs }: Stage, byName: ReadonlyMap<string, ExpandedStage>): readonly EdgeSource[] {
  return needs.flatMap(({ name, condition }): readonly EdgeSource[] => {
    const source = byName.get(name);
    if (source === undefined) return [];
    const all = allOf(source);
    return [{ elementsFor: () => all, toEdge: (from, to) => ({ kind: "needs", from, to, condition }) }];
  });
}

function allOf({ first, count }: ExpandedStage): readonly number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
