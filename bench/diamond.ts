/** A diamond of tiny commands, side by side with make, Snakemake and DVC: from nothing, and when all is there already. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { emptyFolder } from "./empty-folder.ts";
import { type Subject, timePair } from "./measure.ts";
import { diamond, type Node, toDvcFile, toMakefile, toPipeline, toSnakefile } from "./pipeline-graphs.ts";
import { newPipelineRepo } from "./pipeline-repo.ts";
import type { Bench } from "./queue.ts";
import { findOwnTools, isInstalled } from "./tools.ts";
import { count, ms } from "./words.ts";

const STAGES = 200;

/** One of the tools that do the same. */
interface Tool {
  readonly name: string;
  readonly argv: readonly string[];
  /** Writes its file into an empty folder. */
  readonly write: (folder: string, nodes: readonly Node[]) => void;
  /** How many times as long as it aexp may take. */
  readonly cold: number;
  /** None for one that only compares times of files. */
  readonly cached?: number;
  /** It takes too long to be measured as often as the others. */
  readonly isSlow?: boolean;
}

/** Measures the tools one after the other, each in turn with aexp. @param jobs how many commands at once */
export function measureDiamond(bench: Bench, jobs: string): void {
  findOwnTools();
  const nodes = diamond(STAGES * bench.scale);
  for (const tool of toTools(jobs)) {
    if (isInstalled(tool.argv[0] ?? "")) measureBeside(bench, tool, { nodes, jobs });
    else addMissing(bench, tool, nodes);
  }
}

function toTools(jobs: string): readonly Tool[] {
  return [
    {
      name: "make",
      argv: ["make", "-s", `-j${jobs}`],
      write: (folder, nodes) => writeFileSync(join(folder, "Makefile"), toMakefile(nodes)),
      cold: 2,
    },
    {
      name: "Snakemake",
      argv: ["snakemake", "--cores", jobs, "--quiet"],
      write: (folder, nodes) => writeFileSync(join(folder, "Snakefile"), toSnakefile(nodes)),
      cold: 1,
      cached: 1,
    },
    { name: "DVC", argv: ["dvc", "repro", "--quiet"], write: writeDvcRepo, cold: 1, cached: 1, isSlow: true },
  ];
}

function measureBeside(
  { place, samples, aexp, add }: Bench,
  { name, argv, write, cold, cached, isSlow = false }: Tool,
  { nodes, jobs }: { readonly nodes: readonly Node[]; readonly jobs: string },
): void {
  const root = newPipelineRepo(join(place, `diamond-${name}`), toPipeline(nodes));
  const folder = join(place, name);
  mkdirSync(folder);
  const ours = aexp(root, "pipeline", "run", "pipeline.yaml", "--jobs", jobs);
  const theirs: Subject = { argv, cwd: folder };
  const beginAnew = {
    ours: () => {
      const made = [".runs/workspace", ".aexp/ledger", ".aexp/state", ".aexp/checkouts"];
      for (const path of made) emptyFolder(join(root, path), place);
    },
    theirs: () => {
      emptyFolder(folder, place);
      write(folder, nodes);
    },
  };
  const first = timePair(
    { ...ours, prepare: beginAnew.ours },
    { ...theirs, prepare: beginAnew.theirs },
    isSlow ? 1 : samples,
    { isWarmedUp: !isSlow },
  );
  const what = describe(nodes);
  add(`${what}, cold`, ms(first.a.medianS), `${name}: ${ms(first.b.medianS)}`, first.ratio, cold, "×");
  if (cached === undefined) return;
  const again = timePair(ours, theirs, samples);
  add(`${what}, all cached`, ms(again.a.medianS), `${name}: ${ms(again.b.medianS)}`, again.ratio, cached, "×");
}

/** Rows that nobody can take for met. */
function addMissing({ add }: Bench, { name, cold, cached }: Tool, nodes: readonly Node[]): void {
  const against = `${name} is not installed`;
  add(`${describe(nodes)}, cold`, "", against, Number.NaN, cold, "×");
  if (cached !== undefined) add(`${describe(nodes)}, all cached`, "", against, Number.NaN, cached, "×");
}

function describe(nodes: readonly Node[]): string {
  return `a diamond of ${count(nodes.length)} tiny commands`;
}

/** DVC works in a git repository only. It is kept from asking and telling its makers anything. */
function writeDvcRepo(folder: string, nodes: readonly Node[]): void {
  process.env["DVC_NO_ANALYTICS"] = "true";
  execFileSync("git", ["init", "--quiet"], { cwd: folder });
  execFileSync("dvc", ["init", "--quiet"], { cwd: folder });
  // What it keeps outside of the repository would make the next run from nothing a quick one.
  const core = ["analytics = false", "check_update = false", `site_cache_dir = ${join(folder, ".dvc", "site")}`];
  writeFileSync(join(folder, ".dvc", "config"), `[core]\n${core.map((line) => `    ${line}\n`).join("")}`);
  writeFileSync(join(folder, "dvc.yaml"), toDvcFile(nodes));
}
