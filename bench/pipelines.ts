/** The budgets of pipelines: planning, the overhead of a stage, and `make` on the same graph of tiny commands. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";

import { buildDataset } from "./dataset.ts";
import { emptyFolder } from "./empty-folder.ts";
import { time, timePair } from "./measure.ts";
import type { Bench } from "./queue.ts";
import { count, ms, us } from "./words.ts";

const FEW = 100;
const MANY = 2000;
const DIAMOND = 200;
const JOBS = String(Math.max(2, cpus().length));
/** So many stages of a long graph wait for nothing. */
const WIDTH = 10;

/** A command of the graph, and the commands that it reads from. */
interface Node {
  readonly name: string;
  readonly sources: readonly string[];
}

/** Measures all of them, one after the other. */
export function measurePipelines(bench: Bench): void {
  measurePlan(bench);
  measureOverhead(bench);
  measureDiamond(bench);
}

function measurePlan({ place, scale, samples, aexp, add }: Bench): void {
  const stages = MANY * scale;
  const root = newRepo(join(place, "pipeline-plan"), chains(stages));
  const { medianS } = time(aexp(root, "pipeline", "plan", "pipeline.yaml"), samples);
  add(`pipeline plan, ${count(stages)} stages`, ms(medianS), "", medianS, 2, " s");
}

/** Seconds per stage beyond one stage, for pipelines of which everything is cached: what grows too fast shows here. */
function measureOverhead({ place, scale, samples, aexp, add }: Bench): void {
  const perStage = (stages: number): number => {
    const root = newRepo(join(place, `pipeline-${stages}`), chains(stages));
    const one = newRepo(join(place, `pipeline-${stages}-one`), chains(1));
    const words = ["pipeline", "run", "pipeline.yaml", "--jobs", JOBS];
    // The first run, which nobody times, executes them.
    const [base, all] = [one, root].map((folder) => time(aexp(folder, ...words), samples).medianS);
    return ((all ?? 0) - (base ?? 0)) / (stages - 1);
  };
  const few = perStage(FEW * scale);
  const many = perStage(MANY * scale);
  const what = `growth of pipeline run, all cached, ${count(FEW * scale)} → ${count(MANY * scale)} stages`;
  add(what, `${us(many)} a stage`, `${us(few)} a stage`, many / few, 1.3, "×");
}

function measureDiamond({ place, scale, samples, aexp, add }: Bench): void {
  const nodes = diamond(DIAMOND * scale);
  const root = newRepo(join(place, "pipeline-diamond"), nodes);
  const made = join(place, "make");
  mkdirSync(made);
  const prepare = (): void => {
    emptyFolder(made, place);
    writeFileSync(join(made, "Makefile"), toMakefile(nodes));
  };
  const run = aexp(root, "pipeline", "run", "pipeline.yaml", "--jobs", JOBS);
  const make = { argv: ["make", "-s", `-j${JOBS}`], cwd: made };
  const emptyRepo = (): void => {
    for (const folder of [".runs/workspace", ".aexp/ledger", ".aexp/state"]) emptyFolder(join(root, folder), place);
  };
  const cold = timePair({ ...run, prepare: emptyRepo }, { ...make, prepare }, samples);
  const what = `a diamond of ${count(nodes.length)} tiny commands`;
  add(`${what}, cold`, ms(cold.a.medianS), `make: ${ms(cold.b.medianS)}`, cold.ratio, 2, "×");
}

/** One command, many that read from it, and one that reads from all of those. */
function diamond(size: number): readonly Node[] {
  const middle = Array.from({ length: size - 2 }, (_, index) => `m${index}`);
  const sides = middle.map((name): Node => ({ name, sources: ["top"] }));
  return [{ name: "top", sources: [] }, ...sides, { name: "bottom", sources: middle }];
}

/** Chains of commands side by side. */
function chains(size: number): readonly Node[] {
  return Array.from({ length: size }, (_, index) => ({
    name: `s${index}`,
    sources: index < WIDTH ? [] : [`s${index - WIDTH}`],
  }));
}

function newRepo(root: string, nodes: readonly Node[]): string {
  buildDataset(root, { runs: 0, entries: 0, findings: 1, citations: 0 });
  writeFileSync(join(root, "pipeline.yaml"), toPipeline(nodes));
  const identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"];
  execFileSync("git", ["init", "--quiet"], { cwd: root });
  execFileSync("git", [...identity, "commit", "--quiet", "--allow-empty", "--message", "Start"], { cwd: root });
  return root;
}

function toPipeline(nodes: readonly Node[]): string {
  const stages = nodes.flatMap(({ name, sources }) => [
    `  ${name}:`,
    `    command: cat ${sources.map((source) => `{inputs.${source}}`).join(" ")} < /dev/null > {outputs.o}; echo ${name} >> {outputs.o}`,
    `    inputs: {${sources.map((source) => `${source}: {stage: ${source}}`).join(", ")}}`,
    "    outputs: {o: {path: o}}",
  ]);
  return ["name: bench", "stages:", ...stages, ""].join("\n");
}

function toMakefile(nodes: readonly Node[]): string {
  const rules = nodes.map(
    ({ name, sources }) =>
      `${name}: ${sources.join(" ")}\n\tcat ${sources.join(" ")} < /dev/null > ${name}; echo ${name} >> ${name}\n`,
  );
  return [`all: ${nodes.at(-1)?.name ?? ""}\n`, ...rules].join("\n");
}
