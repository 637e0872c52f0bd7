import fc from "fast-check";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { makePipelineProject, type PipelineProject } from "./pipeline-project.ts";
import { dags, type Dag } from "./pipelines.ts";
import { tempDir } from "./temp-dir.ts";

/** One submission of a graph of stages `s0`, `s1`, …, which differ from one to the next in their parameters. */
export interface Round {
  /** The parameter of each stage. Two that differ by one may give the same bytes. */
  readonly params: readonly number[];
  /** The stages whose programs fail. */
  readonly failing: readonly number[];
  /** The stages whose outputs are deleted before. */
  readonly harmed: readonly number[];
}

/** Graphs with a history. */
export function histories(maxStages: number, maxRounds: number): fc.Arbitrary<{ dag: Dag; rounds: readonly Round[] }> {
  return dags(maxStages).chain((dag) => {
    const places = dag.map((_, place) => place);
    const few = { maxLength: Math.min(2, dag.length) };
    const round = fc.record({
      params: fc.tuple(...places.map(() => fc.integer({ min: 0, max: 3 }))),
      failing: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.subarray(places, few)),
      harmed: fc.subarray(places, few),
    });
    return fc.record({ dag: fc.constant(dag), rounds: fc.array(round, { minLength: 2, maxLength: maxRounds }) });
  });
}

/** A project of such a graph, and the folder in which a file `s3` makes the stage `s3` fail. */
export async function makeGraphProject(): Promise<{ project: PipelineProject; failures: string }> {
  const project = await makePipelineProject();
  const failures = join(tempDir(), "fail");
  mkdirSync(failures);
  project.write(
    "step",
    [
      "#!/bin/sh",
      "name=$1 p=$2 out=$3; shift 3",
      // The same for all that read the same.
      `work=$(cat "$@" /dev/null | cksum | tr -d ' ')`,
      `echo "begin $name $p $work" >> ${project.log}`,
      `if test -e ${failures}/$name; then echo "fail $name $p $work" >> ${project.log}; exit 1; fi`,
      // Whatever is left of an attempt that was killed must not be what the next one adds to.
      'cat "$@" /dev/null > "$out.part"; echo "$name $((p / 2))" >> "$out.part"; mv "$out.part" "$out"',
      `echo "end $name $p $work" >> ${project.log}`,
      "",
    ].join("\n"),
  );
  chmodSync(join(project.root, "step"), 0o755);
  return { project, failures };
}

/** The pipeline file of a graph. */
export function graphFile(dag: Dag, params: readonly number[]): string {
  const stages = dag.flatMap((sources, place) => [
    `  s${place}:`,
    `    command: [./step, s${place}, "{p}", "{outputs.o}"${sources.map((from) => `, "{inputs.i${from}}"`).join("")}]`,
    `    sp: {p: ${params[place] ?? 0}}`,
    `    inputs: {${sources.map((from) => `i${from}: {stage: s${from}}`).join(", ")}}`,
    "    outputs: {o: {path: o}}",
  ]);
  return ["name: graph", "stages:", ...stages, ""].join("\n");
}

/** What a stage comes to in a round. */
export interface Expected {
  readonly state: "complete" | "cached" | "failed" | "skipped";
  /** What it writes; `undefined` when it writes nothing. */
  readonly text: string | undefined;
}

/** What a graph's stages give, and what a cache remembers of them. */
export class GraphModel {
  readonly #dag: Dag;
  readonly #known = new Set<string>();
  #last: readonly (string | undefined)[] = [];

  constructor(dag: Dag) {
    this.#dag = dag;
  }

  /** Forgets what a stage wrote in the last round. */
  harm(place: number): void {
    this.#known.delete(this.#last[place] ?? "");
  }

  play({ params, failing }: Pick<Round, "params" | "failing">): readonly Expected[] {
    const keys: (string | undefined)[] = [];
    const all: Expected[] = [];
    for (const [place, sources] of this.#dag.entries()) {
      const texts = sources.map((from) => all[from]?.text);
      const given = texts.filter((text) => text !== undefined);
      if (given.length < texts.length) {
        keys.push(undefined);
        all.push({ state: "skipped", text: undefined });
        continue;
      }
      const p = params[place] ?? 0;
      const key = JSON.stringify([place, p, given]);
      const text = `${given.join("")}s${place} ${Math.floor(p / 2)}\n`;
      const isKnown = this.#known.has(key);
      const isFailing = !isKnown && failing.includes(place);
      if (!isFailing) this.#known.add(key);
      keys.push(isFailing ? undefined : key);
      if (isFailing) all.push({ state: "failed", text: undefined });
      else all.push({ state: isKnown ? "cached" : "complete", text });
    }
    this.#last = keys;
    return all;
  }
}

/** Makes some stages fail, and no others. */
export function setFailing(
  failures: string,
  dag: Dag,
  failing: readonly number[],
  remove: (path: string) => void,
): void {
  for (const place of dag.keys()) {
    const path = join(failures, `s${place}`);
    if (failing.includes(place)) writeFileSync(path, "");
    else remove(path);
  }
}
