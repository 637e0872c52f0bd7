import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { elementNeeds, expandPipeline, type Expansion } from "../../../src/pipeline/expand.ts";
import { dags, faultsOf, fileOfDag, pipelineOf } from "../../helpers/pipelines.ts";

describe("the graph of stages", () => {
  it("without a cycle is taken in any order, and every stage comes after those that it waits for", async () => {
    await fc.assert(
      fc.asyncProperty(dagsInAnyOrder(), async ({ dag, order }) => {
        const expansion = expandPipeline(await pipelineOf(fileOfDag(dag, order)));
        const names = expansion.elements.map(({ stage }) => stage);

        expect(names.toSorted()).toEqual(dag.map((_, place) => `s${place}`).toSorted());
        expect(expansion.edges.every(({ from, to }) => from < to)).toBe(true);
        expect(new Set(expansion.edges.map(({ from, to }) => `${names[from]} ${names[to]}`))).toEqual(
          new Set(dag.flatMap((sources, to) => sources.map((from) => `s${from} s${to}`))),
        );
        for (const [to, sources] of dag.entries()) {
          const waves = sources.map((from) => waveOf(expansion, `s${from}`));
          expect(waveOf(expansion, `s${to}`)).toBe(Math.max(-1, ...waves) + 1);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("is the same every time, and in the order of the file within a wave", async () => {
    await fc.assert(
      fc.asyncProperty(dagsInAnyOrder(), async ({ dag, order }) => {
        const text = fileOfDag(dag, order);
        const [one, other] = [expandPipeline(await pipelineOf(text)), expandPipeline(await pipelineOf(text))];

        expect(one).toEqual(other);
        for (const wave of one.waves) {
          const places = wave.map((name) => order.indexOf(Number(name.slice(1))));
          expect(places).toEqual(places.toSorted((a, b) => a - b));
        }
      }),
      { numRuns: 30 },
    );
  });

  it("with an edge back is refused, and the cycle that is named is there", async () => {
    await fc.assert(
      fc.asyncProperty(dagsWithCycle(), async ({ dag, order }) => {
        const faults = await faultsOf(fileOfDag(dag, order));
        const cycles = faults.map((fault) => /the stages form a cycle: (.*)$/.exec(fault)?.[1]?.split(" → ") ?? []);

        expect(faults.length).toBeGreaterThan(0);
        for (const cycle of cycles) {
          expect(cycle.length).toBeGreaterThan(1);
          expect(cycle.at(-1)).toBe(cycle[0]);
          for (const [at, name] of cycle.slice(0, -1).entries()) {
            const sources = dag[Number(name.slice(1))] ?? [];
            expect(sources.map((from) => `s${from}`)).toContain(cycle[at + 1]);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("tells of cycles that share no stage all at once", async () => {
    expect(
      await faultsOf(`name: p
stages:
  a: {command: x, needs: b}
  b: {command: x, needs: [a]}
  c: {command: x, needs: c?}
  d: {command: x, needs: c}
`),
    ).toEqual(["p.yaml:3:26: the stages form a cycle: a → b → a", "p.yaml:5:26: the stages form a cycle: c → c"]);
  });

  it("may be a chain that is longer than the stack of calls, and written backwards", async () => {
    const size = 3000;
    const dag = Array.from({ length: size }, (_, place) => (place === 0 ? [] : [place - 1]));
    const order = dag.map((_, place) => size - 1 - place);
    const { waves, edges } = expandPipeline(await pipelineOf(fileOfDag(dag, order)));

    expect(waves).toHaveLength(size);
    expect(edges).toHaveLength(size - 1);
  });
});

describe("the elements of swept stages", () => {
  it("are joined by the keys that both are swept over", async () => {
    const expansion = expandPipeline(
      await pipelineOf(`name: p
stages:
  fixed: {command: x, sweep: {only: [1]}, outputs: {o: {path: o}}}
  prepare: {command: x, sweep: {seed: 0..3}, outputs: {o: {path: o}}, inputs: {i: {stage: fixed}}}
  train:
    command: x
    sweep: {lr: [0.1, 1, 1.0], seed: "2|0"}
    inputs: {i: {stage: prepare}}
    outputs: {o: {path: o}}
  test: {command: x, sweep: {seed: "0|2", lr: [1.0, 1]}, inputs: {i: {stage: train}}}
`),
    );

    expect(edgesOf(expansion)).toEqual([
      "fixed[only=1] → prepare[seed=0]",
      "fixed[only=1] → prepare[seed=1]",
      "fixed[only=1] → prepare[seed=2]",
      "fixed[only=1] → prepare[seed=3]",
      "prepare[seed=2] → train[lr=0.1,seed=2]",
      "prepare[seed=0] → train[lr=0.1,seed=0]",
      "prepare[seed=2] → train[lr=1,seed=2]",
      "prepare[seed=0] → train[lr=1,seed=0]",
      "prepare[seed=2] → train[lr=1.0,seed=2]",
      "prepare[seed=0] → train[lr=1.0,seed=0]",
      "train[lr=1.0,seed=0] → test[seed=0,lr=1.0]",
      "train[lr=1,seed=0] → test[seed=0,lr=1]",
      "train[lr=1.0,seed=2] → test[seed=2,lr=1.0]",
      "train[lr=1,seed=2] → test[seed=2,lr=1]",
    ]);
  });

  it("with equal keys and any values are joined one to one", async () => {
    const values = fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(values, values, async (first, second) => {
        const { edges, elements } = expandPipeline(
          await pipelineOf(`name: p
stages:
  a: {command: x, sweep: {k: [${first.join(", ")}], l: [${second.join(", ")}]}, outputs: {o: {path: o}}}
  b: {command: x, sweep: {l: [${second.toReversed().join(", ")}], k: [${first.join(", ")}]}, inputs: {i: {stage: a}}}
`),
        );

        expect(edges).toHaveLength(first.length * second.length);
        expect(new Set(edges.map(({ from }) => from)).size).toBe(edges.length);
        for (const { from, to } of edges) {
          expect(new Map(elements[from]?.bindings)).toEqual(new Map(elements[to]?.bindings));
        }
      }),
      { numRuns: 40 },
    );
  });

  it("are all waited for by needs, and by inputs with all", async () => {
    const expansion = expandPipeline(
      await pipelineOf(`name: p
stages:
  a: {command: x, sweep: {seed: 0..1}, outputs: {o: {path: o}, p: {path: p}}}
  all: {command: x, inputs: {i: {stage: a, output: o, all: true}}, needs: a?}
  some: {command: x, min_success: 1, inputs: {i: {stage: a, output: p, all: true}}}
  after: {command: x, sweep: {n: 0..1}, needs: [a?]}
`),
    );

    expect(expansion.edges.filter(({ to }) => expansion.elements[to]?.stage === "some")).toEqual([
      { kind: "input", from: 0, to: 3, input: "i", output: "p", condition: "ended" },
      { kind: "input", from: 1, to: 3, input: "i", output: "p", condition: "ended" },
    ]);
    expect(elementNeeds(expansion)).toEqual([[], [], both("success"), both("ended"), both("ended"), both("ended")]);
  });
});

function both(condition: "success" | "ended") {
  return [
    { from: 0, condition },
    { from: 1, condition },
  ];
}

function edgesOf({ elements, edges }: Expansion): readonly string[] {
  const names = elements.map(({ stage, label }) => (label === "" ? stage : `${stage}[${label}]`));
  return edges.map(({ from, to }) => `${names[from]} → ${names[to]}`);
}

function waveOf({ waves }: Expansion, name: string): number {
  return waves.findIndex((names) => names.includes(name));
}

function dagsInAnyOrder() {
  return dags().chain((dag) =>
    fc.record({
      dag: fc.constant(dag),
      order: fc.shuffledSubarray(
        dag.map((_, place) => place),
        { minLength: dag.length },
      ),
    }),
  );
}

/** Graphs with one edge from a stage back to one that waits for it, or to itself. */
function dagsWithCycle() {
  return dagsInAnyOrder().chain(({ dag, order }) =>
    fc.nat({ max: dag.length - 1 }).chain((first) =>
      fc.constantFrom(...descendantsOf(dag, first)).map((last) => ({
        dag: dag.map((sources, place) => (place === first ? [...new Set([...sources, last])] : sources)),
        order,
      })),
    ),
  );
}

/** A stage, and all that wait for it. */
function descendantsOf(dag: readonly (readonly number[])[], first: number): readonly number[] {
  const found = new Set([first]);
  for (const [place, sources] of dag.entries()) if (sources.some((from) => found.has(from))) found.add(place);
  return [...found];
}
