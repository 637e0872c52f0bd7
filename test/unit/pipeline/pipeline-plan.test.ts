import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { explainVerdict } from "../../../src/cli/render/cache-verdict.ts";
import { renderCriticalPath } from "../../../src/cli/render/critical-path.ts";
import { renderPipelinePlan, toPipelinePlanJson } from "../../../src/cli/render/pipeline-plan.ts";
import { textWidth } from "../../../src/cli/render/text-width.ts";
import { toObjectKey } from "../../../src/pipeline/cache-key.ts";
import { findCriticalPath } from "../../../src/pipeline/critical-path.ts";
import { expandPipeline } from "../../../src/pipeline/expand.ts";
import { type CacheVerdict, type PipelinePlan, toPipelinePlan } from "../../../src/pipeline/pipeline-plan.ts";
import { parseJobId } from "../../../src/run/job-id.ts";
import { dags, fileOfDag, pipelineOf } from "../../helpers/pipelines.ts";

const SCREEN = { width: 80, color: false, isTTY: true, nowMs: 0, isUnicode: true };
const KEY = toObjectKey(new Map());
const RUN = parseJobId("0123456789abcdef".repeat(2));
const OTHER = parseJobId("fedcba9876543210".repeat(2));

const FILE = `name: bewertung größe
stages:
  vorbereiten: {command: x, outputs: {o: {path: o}}}
  訓練する:
    command: x
    sweep: {lr: [0.1, 0.01], opt: [adam, "größe, 大"]}
    inputs: {i: {stage: vorbereiten}}
    outputs: {o: {path: o}}
  report: {command: x, inputs: {i: {stage: 訓練する, all: true}}, needs: vorbereiten}
  cleanup: {command: x, needs: [report?, vorbereiten]}
  notebook: {command: x, cache: off}
`;

const SWEPT: readonly CacheVerdict[] = [
  { kind: "hit", key: KEY, from: RUN },
  {
    kind: "miss",
    key: KEY,
    because: { kind: "differs", run: OTHER, difference: { field: "parameters.opt", was: '"sgd"', is: '"größe, 大"' } },
  },
  { kind: "miss", key: KEY, because: { kind: "outputs", run: RUN, problem: "its output o is missing" } },
  { kind: "miss", key: KEY, because: { kind: "new" } },
];

const OTHERS: Readonly<Record<string, CacheVerdict>> = {
  vorbereiten: { kind: "hit", key: KEY, from: RUN },
  report: { kind: "unknown", until: ["訓練する"] },
  cleanup: { kind: "miss", key: KEY, because: { kind: "refresh" } },
  notebook: { kind: "uncached", because: "its cache is off" },
};

async function planOf(): Promise<PipelinePlan> {
  const pipeline = await pipelineOf(FILE);
  return toPipelinePlan(
    pipeline.name,
    expandPipeline(pipeline),
    ({ stage, index }) => OTHERS[stage] ?? SWEPT[index] ?? { kind: "uncached", because: "nobody knows" },
  );
}

describe("a plan on the screen", () => {
  it("has a line for each stage, further in the more must come before it", async () => {
    expect(renderPipelinePlan(await planOf(), SCREEN, { explain: false })).toMatchInlineSnapshot(`
      "bewertung größe: 5 stages, 8 runs
      2 cached, 4 to run, 1 known later, 1 not cacheable

      stage          runs  cache               after
      vorbereiten       1  cached
      notebook          1  not cacheable
        訓練する        4  1 cached, 3 to run  vorbereiten
          report        1  known later         all of 訓練する, vorbereiten
            cleanup     1  to run              the end of report, vorbereiten"
    `);
  });

  it("says for each run why", async () => {
    const text = renderPipelinePlan(await planOf(), SCREEN, { explain: true });

    expect(text.split("\n\n").at(-1)).toMatchInlineSnapshot(`
      "run                        why
      vorbereiten                cached: run 01234567 did the same
      notebook                   not cacheable: its cache is off
      訓練する
        lr=0.1,opt=adam          cached: run 01234567 did the same
        lr=0.1,opt="größe, 大"   to run: parameters.opt is "größe, 大", was "sgd" in …
        lr=0.01,opt=adam         to run: run 01234567 did the same, but its output o …
        lr=0.01,opt="größe, 大"  to run: nothing like it ran before
      report                     known later: depends on what 訓練する will write
      cleanup                    to run: asked to run again"
    `);
  });

  it("fits into any terminal, and has no control characters of the file", async () => {
    const plan = await planOf();
    const hostile = {
      ...plan,
      name: "a\u001b[31mb\nc",
      stages: plan.stages.map((stage) => ({ ...stage, name: `${stage.name}\u001b[2J` })),
    };
    for (const width of [40, 60, 200]) {
      const text = renderPipelinePlan(hostile, { ...SCREEN, width }, { explain: true });
      expect(text).not.toContain("\u001b");
      expect(Math.max(...text.split("\n").map(textWidth))).toBeLessThanOrEqual(width);
    }
  });

  it("stays readable for a long chain", async () => {
    const dag = Array.from({ length: 40 }, (_, place) => (place === 0 ? [] : [place - 1]));
    const pipeline = await pipelineOf(fileOfDag(dag));
    const plan = toPipelinePlan("chain", expandPipeline(pipeline), () => ({ kind: "unknown", until: ["s0"] }));
    const lines = renderPipelinePlan(plan, SCREEN, { explain: false }).split("\n");

    expect(lines.at(-1)).toMatch(/^ {16}s39 +1 {2}known later {2}s38$/);
  });

  it("shows of long values where they differ", () => {
    const [was, is] = ["a", "b"].map((letter) => JSON.stringify(`${"x".repeat(100)}${letter}${"y".repeat(100)}`));
    const sentence = explainVerdict({
      kind: "miss",
      key: KEY,
      because: { kind: "differs", run: RUN, difference: { field: "command", ...(was && { was }), ...(is && { is }) } },
    });

    expect(sentence).toBe(`command is …xxxxxxxxb${"y".repeat(31)}…, was …xxxxxxxxa${"y".repeat(31)}… in run 01234567`);
  });
});

describe("a plan as JSON", () => {
  it("counts, and says for each run what and why", async () => {
    const json = toPipelinePlanJson(await planOf());

    expect(json).toMatchObject({
      pipeline: "bewertung größe",
      runs: 8,
      counts: { hit: 2, miss: 4, unknown: 1, uncached: 1 },
    });
    expect(JSON.parse(JSON.stringify(json.stages.find(({ stage }) => stage === "訓練する")?.runs[1]))).toEqual({
      index: 1,
      bindings: { lr: 0.1, opt: "größe, 大" },
      cache: "miss",
      key: KEY,
      job_id: OTHER,
      why: 'parameters.opt is "größe, 大", was "sgd" in run fedcba98',
      difference: { field: "parameters.opt", was: '"sgd"', is: '"größe, 大"' },
    });
    expect(json.stages.find(({ stage }) => stage === "cleanup")?.sources).toEqual([
      { stage: "report", take: "ended" },
      { stage: "vorbereiten", take: "needs" },
    ]);
  });
});

describe("the critical path", () => {
  it("is a chain that no other one is longer than", () => {
    const timed = dags(9).chain((dag) =>
      fc.record({
        dag: fc.constant(dag),
        seconds: fc.array(fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined }), {
          minLength: dag.length,
          maxLength: dag.length,
        }),
      }),
    );
    fc.assert(
      fc.property(timed, ({ dag, seconds }) => {
        const edges = dag.flatMap((sources, to) => sources.map((from) => ({ from, to })));
        const longest = Math.max(...dag.map((_, place) => lengthTo(dag, seconds, place)));
        const path = findCriticalPath(seconds, edges.toReversed());

        expect(path?.seconds ?? 0).toBe(longest);
        const places = path?.places ?? [];
        expect(places.reduce((sum, place) => sum + (seconds[place] ?? 0), 0)).toBe(longest);
        expect(places.slice(1).every((to, at) => dag[to]?.includes(places[at] ?? -1))).toBe(true);
      }),
    );
  });

  it("is shown with its times, or not at all", () => {
    const runs = [
      { stage: "prepare", label: "", seconds: 125 },
      { stage: "train", label: "lr=0.1", seconds: 3480 },
      { stage: "train", label: "lr=0.01", seconds: 3500 },
      { stage: "report", label: "", seconds: undefined },
    ];
    const edges = [
      { from: 0, to: 1 },
      { from: 0, to: 2 },
      { from: 1, to: 3 },
      { from: 2, to: 3 },
    ];
    const path = findCriticalPath(
      runs.map(({ seconds }) => seconds),
      edges,
    );

    expect(renderCriticalPath(path, runs, SCREEN)).toMatchInlineSnapshot(`
      "critical path: 1 h 00 m in 2 of 4 runs

      stage    element       took
      prepare            2 m 05 s
      train    lr=0.01  58 m 20 s"
    `);
    expect(renderCriticalPath(findCriticalPath([undefined], []), runs, SCREEN)).toBe("");
  });
});

function lengthTo(
  dag: readonly (readonly number[])[],
  seconds: readonly (number | undefined)[],
  place: number,
): number {
  return (seconds[place] ?? 0) + Math.max(0, ...(dag[place] ?? []).map((from) => lengthTo(dag, seconds, from)));
}
