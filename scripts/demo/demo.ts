/**
 * The story of aexp in under a minute, with real git and real training, in a temporary folder: runs finish on a
 * "cluster", their entries travel by git, and on a "laptop" the finding that cites them validates.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { styleText } from "node:util";

import { removeTree } from "../../src/code/fs/read-only-tree.ts";

const HERE = import.meta.dirname;
const BIN = join(HERE, "..", "..", "bin");
/** What is in the repository of the story from its beginning. */
const FILES = ["train.js", "summarize.js", "iris.csv", "pipeline.yaml", "split.js", "fit.js", "rank.js"];
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
  for (const name of FILES) copyFileSync(join(HERE, name), join(cluster, name));
  writeFileSync(join(cluster, "package.json"), '{ "type": "module" }\n');
  quietly(cluster, "git", "add", "--all");
  quietly(cluster, "git", "commit", "--quiet", "--message", "Add softmax regression on the iris data");
  quietly(cluster, "git", "push", "--quiet", "--set-upstream", "origin", "main");
  type(cluster, "aexp install --machine-label cluster");

  chapter("From a question to an experiment");
  type(cluster, 'aexp thread new --title "What limits the speed of training?"');
  type(cluster, 'aexp hypothesis new --title "A higher learning rate converges faster" --thread T001');
  type(cluster, 'aexp experiment new --title "Learning rate sweep" --hypothesis H001');
  type(cluster, 'aexp experiment new --title "Mean over seeds" --hypothesis H001');
  type(cluster, 'aexp experiment new --title "How many neighbours" --hypothesis H001');
  narrate(
    "Five notes, linked both ways. In an editor the experiment gets names for its conditions, before the first run:",
  );
  const experiment = join(cluster, "kb/research/experiments/E001-learning-rate-sweep.md");
  editFile(experiment, "conditions: {}", "conditions:\n  slow: {lr: 0.01}\n  usual: {lr: 0.1}\n  fast: {lr: 1.0}");
  show(readFileSync(experiment, "utf8").split("---\n")[1] ?? "");
  type(cluster, "aexp hypothesis set-status H001 testing");
  narrate("The plan is shared before there is any result:");
  type(cluster, 'aexp sync --message "Plan the learning rate sweep"');

  chapter("Nine runs: three learning rates, three seeds, and one that sums them up");
  type(
    cluster,
    'aexp queue add --experiment E001 --name sweep --sweep "condition=slow|usual|fast,seed=0..2" --command "node train.js --lr {lr} --seed {seed}"',
  );
  type(cluster, "aexp queue add --experiment E002 --needs sweep -- node summarize.js");
  narrate(
    "The queue is rows in a database file, so nothing is lost when a worker dies. This one ends when all is done:",
  );
  type(cluster, "aexp worker start --until-empty --pools *=3");
  type(cluster, "aexp runs list");
  type(cluster, "aexp runs logs @last");
  type(cluster, "aexp compare --experiment E001 --metric loss --plot");

  chapter("A pipeline: what was computed before is not computed again");
  const pipeline = join(cluster, "pipeline.yaml");
  show(readFileSync(pipeline, "utf8"));
  type(cluster, "aexp pipeline run pipeline.yaml --jobs 3");
  narrate("The same once more: nothing is executed.");
  type(cluster, "aexp pipeline run pipeline.yaml --jobs 3");
  narrate("One more value in the sweep: the split and three fits are there already.");
  editFile(pipeline, "k: [1, 5, 15]", "k: [1, 5, 15, 45]");
  type(cluster, "aexp pipeline plan pipeline.yaml --explain");
  type(cluster, "aexp pipeline run pipeline.yaml --jobs 3");
  type(cluster, "aexp sync");

  chapter("On the laptop: pull, claim, prove");
  quietly(place, "git", "clone", "--quiet", "remote.git", "laptop");
  type(laptop, "aexp install --machine-label laptop");
  type(laptop, "aexp experiment show E001");
  narrate(
    "The laptop never ran anything. It writes a finding that cites all nine runs, and gets their results with it:",
  );
  type(
    laptop,
    'aexp finding new --title "A learning rate of 1.0 has the lowest loss after 60 epochs" --experiment E001 --impact HIGH --cite-batch',
  );
  const finding = join(
    laptop,
    "kb/research/findings/F001-a-learning-rate-of-1-0-has-the-lowest-loss-after-60-epochs.md",
  );
  show(readFileSync(finding, "utf8").split("\n").slice(0, 40).join("\n"));
  type(laptop, "aexp experiment set-status E001 completed");
  type(laptop, "aexp hypothesis set-status H001 confirmed");
  type(laptop, "aexp validate");
  type(laptop, "aexp sync");
  type(laptop, "aexp graph");
  type(laptop, "aexp history H001");

  chapter("A claim that no run backs does not pass");
  editFile(finding, "selector: {}}", 'selector: {}}\n  - {type: job, id: "0123456789abcdef0123456789abcdef"}');
  type(laptop, "aexp validate", 1);
  type(laptop, "aexp validate --strict-runs=warn");
}

/** Runs a command line as if typed in `folder`, showing all that it prints, and insists on its exit code. */
function type(folder: string, line: string, expected = 0): void {
  const name = folder.split("/").at(-1) ?? "";
  process.stdout.write(`\n${styleText("green", name)} ${styleText("bold", `$ ${line}`)}\n`);
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
  const [program = "", ...args] = words;
  const { status } = spawnSync(program, args, {
    cwd: folder,
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status !== expected) throw new Error(`"${line}" ended with exit code ${status}, expected ${expected}`);
  if (expected !== 0) narrate(`(exit code ${expected})`);
}

function quietly(folder: string, program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with exit code ${status}: ${stderr}`);
  return stdout;
}

/** Changes a note as one would in an editor. */
function editFile(path: string, from: string, to: string): void {
  const text = readFileSync(path, "utf8");
  if (!text.includes(from)) throw new Error(`${path} does not hold ${JSON.stringify(from)}`);
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
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
  else removeTree(place); // checkouts of code are read-only
}
