import fc from "fast-check";

import { renderFault } from "../../src/pipeline/fault.ts";
import type { Pipeline } from "../../src/pipeline/pipeline.ts";
import { readPipeline } from "../../src/pipeline/read-pipeline.ts";

/** The pipeline of a text that has no faults. */
export async function pipelineOf(text: string): Promise<Pipeline> {
  const reading = await readPipeline(text, "p.yaml");
  if (reading.kind === "pipeline") return reading.pipeline;
  throw new Error(reading.faults.map(renderFault).join("\n"));
}

/** What is wrong with a text, a line each. */
export async function faultsOf(text: string): Promise<readonly string[]> {
  const reading = await readPipeline(text, "p.yaml");
  return reading.kind === "faults" ? reading.faults.map(renderFault) : [];
}

/** A graph: for each stage the places of those that it waits for, all of them smaller than its own. */
export type Dag = readonly (readonly number[])[];

/** Graphs without a cycle. */
export function dags(maxSize = 12): fc.Arbitrary<Dag> {
  return fc
    .integer({ min: 1, max: maxSize })
    .chain((size) =>
      fc.tuple(
        ...Array.from({ length: size }, (_, place) => fc.subarray(Array.from({ length: place }, (__, at) => at))),
      ),
    );
}

/** A file whose stages, written in the order of `order`, read from each other as the graph says. */
export function fileOfDag(dag: Dag, order: readonly number[] = dag.map((_, place) => place)): string {
  const stages = order.map((place) => {
    const inputs = (dag[place] ?? []).map((from) => `i${from}: {stage: s${from}}`);
    return `  s${place}: {command: run, inputs: {${inputs.join(", ")}}, outputs: {o: {path: o}}}`;
  });
  return ["name: dag", "stages:", ...stages, ""].join("\n");
}
