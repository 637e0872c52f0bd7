/**
 * The story of aexp in under a minute, with real git and real training, in a temporary folder: runs finish on a
 * "cluster", their entries travel by git, and on a "laptop" the finding that cites them validates.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { styleText } from "node:util";

import { EXPERIMENT, HYPOTHESIS, renderFinding } from "./notes.ts";

const HERE = import.meta.dirname;
const BIN = join(HERE, "..", "..", "bin");
const KEEP = process.argv.includes("--keep");

const place = mkdtempSync(join(tmpdir(), "aexp-demo-"));
const env = {
  ...process.env,
  PATH: [makeShim(), process.env["PATH"]].join(delimiter),
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.org",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.org",
  ...(process.stdout.isTTY && process.env["NO_COLOR"] === undefined ? { FORCE_COLOR: "1" } : {}),
};

function playStory(): void {
  const cluster = join(place, "cluster");
  const laptop = join(place, "laptop");

  chapter("A repository with a training program, cloned on a cluster");
  quietly(place, "git", "init", "--quiet", "--bare", "--initial-branch=main", "remote.git");
  quietly(place, "git", "clone", "--quiet", "remote.git", "cluster");
  for (const name of ["train.js", "iris.csv"]) copyFileSync(join(HERE, name), join(cluster, name));
  writeFileSync(join(cluster, "package.json"), '{ "type": "module" }\n');
  quietly(cluster, "git", "add", "--all");
  quietly(cluster, "git", "commit", "--quiet", "--message", "Add softmax regression on the iris data");
  quietly(cluster, "git", "push", "--quiet", "--set-upstream", "origin", "main");
  type(cluster, "aexp install --machine-label cluster");

  chapter("An experiment: which learning rate works best in 60 epochs?");
  writeNote(cluster, "hypotheses", "H001-learning-rate.md", HYPOTHESIS);
  writeNote(cluster, "experiments", "E001-learning-rate-sweep.md", EXPERIMENT);
  type(cluster, "aexp run --experiment E001 --sp lr=0.01,seed=0 -- node train.js --lr 0.01 --seed 0");
  narrate("Eight more, with their own output put away (it is kept with each run):");
  for (const [lr, seed] of sweep(["0.01", "0.1", "1.0"], ["0", "1", "2"]).slice(1)) {
    type(
      cluster,
      `aexp run --experiment E001 --sp lr=${lr},seed=${seed} -- node train.js --lr ${lr} --seed ${seed} >log`,
    );
  }
  type(cluster, "aexp runs list");
  type(cluster, "aexp compare --experiment E001 --metric loss --plot");
  type(cluster, "aexp sync");

  chapter("On the laptop: pull, claim, prove");
  quietly(place, "git", "clone", "--quiet", "remote.git", "laptop");
  type(laptop, "aexp install --machine-label laptop");
  type(laptop, "aexp runs list --sp lr=1.0");
  const cited = jobIds(laptop, "--sp", "lr=1.0");
  const finding = writeNote(laptop, "findings", "F001-higher-is-better.md", renderFinding(cited));
  narrate("The laptop never ran anything. It writes a finding that cites the three runs by id:");
  show(readFileSync(finding, "utf8").split("\n").slice(0, 14).join("\n"));
  type(laptop, "aexp validate");
  type(laptop, "aexp sync");

  chapter("A claim that no run backs does not pass");
  writeFileSync(finding, renderFinding([...cited.slice(1), "0123456789abcdef0123456789abcdef"]));
  type(laptop, "aexp validate", 1);
  type(laptop, "aexp validate --strict-runs=warn");
}

/** Runs a command line as if typed in `folder`, showing all that it prints, and insists on its exit code. */
function type(folder: string, line: string, expected = 0): void {
  const name = folder.split("/").at(-1) ?? "";
  process.stdout.write(
    `\n${styleText("green", name)} ${styleText("bold", `$ ${line.replace(/ >log$/, " >/dev/null")}`)}\n`,
  );
  const isQuiet = line.endsWith(" >log");
  const [program = "", ...args] = line.replace(/ >log$/, "").split(" ");
  const { status } = spawnSync(program, args, {
    cwd: folder,
    env,
    stdio: ["ignore", isQuiet ? "ignore" : "inherit", "inherit"],
  });
  if (status !== expected) throw new Error(`"${line}" ended with exit code ${status}, expected ${expected}`);
  if (expected !== 0) narrate(`(exit code ${expected})`);
}

function quietly(folder: string, program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with exit code ${status}: ${stderr}`);
  return stdout;
}

function jobIds(folder: string, ...filter: string[]): string[] {
  const rows: unknown = JSON.parse(quietly(folder, "aexp", "runs", "list", "--json", ...filter));
  if (!Array.isArray(rows)) throw new Error("`aexp runs list --json` did not print an array");
  return rows.map(({ job_id }: { job_id: string }) => job_id);
}

function writeNote(root: string, kind: string, name: string, text: string): string {
  const folder = join(root, "kb", "research", kind);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

function sweep(rates: readonly string[], seeds: readonly string[]): (readonly [string, string])[] {
  return rates.flatMap((rate) => seeds.map((seed) => [rate, seed] as const));
}

function chapter(title: string): void {
  process.stdout.write(
    `\n${styleText(["bold", "cyan"], `── ${title} ${"─".repeat(Math.max(0, 76 - title.length))}`)}\n`,
  );
}

function narrate(text: string): void {
  process.stdout.write(`\n${styleText("dim", text)}\n`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function show(text: string): void {
  say(text.replaceAll(/^/gm, "    "));
}

/** A folder with `aexp` in it, so that both the typed commands and git's merge driver find the program. */
function makeShim(): string {
  const folder = join(place, "bin");
  mkdirSync(folder);
  writeFileSync(
    join(folder, "aexp"),
    `#!/bin/sh\nexec ${JSON.stringify(process.execPath)} ${JSON.stringify(join(BIN, "aexp.js"))} "$@"\n`,
    {
      mode: 0o755,
    },
  );
  return folder;
}

try {
  playStory();
} finally {
  if (KEEP) say(`The folders are kept in ${place}.`);
  else rmSync(place, { recursive: true, force: true });
}
