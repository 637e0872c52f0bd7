import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli, runCliJson } from "../helpers/cli.ts";
import { shimFolder } from "../helpers/clones.ts";
import { makeQueueProject } from "../helpers/queue-project.ts";

/** What a shell or a careless script would take apart. */
const ODD = `it's "two  words" $HOME \`x\` \\ ; *`;

/** The odd text as a value whose quotes and spaces the syntax of state points keeps. */
const ODD_SP = JSON.stringify({ text: ODD });

/** Writes into a file what the program was given: a line for its number of words, then the word. */
const SHOW = ["sh", "-c", 'printf "%s|%s" "$#" "$1" > "$0"', "{n}.txt", "{text}"];

interface Ended {
  readonly exitCode: number;
  readonly stderr: string;
}

/** Executes a program from another folder, with `aexp` on its PATH. */
async function execute(program: string, args: readonly string[]): Promise<Ended> {
  const PATH = `${shimFolder()}:${process.env["PATH"] ?? ""}`;
  return await new Promise((resolve) => {
    execFile(program, args, { cwd: "/", env: { ...process.env, PATH } }, (error, _stdout, stderr) => {
      const exitCode = typeof error?.code === "number" ? error.code : error === null ? 0 : 128;
      resolve({ exitCode, stderr });
    });
  });
}

function read(root: string, name: string): string {
  return readFileSync(join(root, name), "utf8");
}

/** Queues a run of a program with its arguments, behind two dashes, and gives its id. */
async function addProgram(root: string, sp: readonly string[], program: readonly string[]): Promise<string> {
  const argv = ["queue", "add", "--experiment", "E001", "--json", ...sp, "--", ...program];
  const id = /"job_id": ?"([0-9a-f]{32})"/.exec((await runCli(root, argv)).stdout)?.[1];
  if (id === undefined) throw new Error("nothing was queued");
  return id;
}

async function statuses(root: string): Promise<readonly string[]> {
  const { stdout } = await runCli(root, ["runs", "list", "--csv", "--columns", "status"]);
  return stdout.trim().split("\r\n").slice(1);
}

describe("aexp queue materialize", () => {
  it("writes a shell script that executes each run, with its values untouched", async () => {
    const { root } = await makeQueueProject();
    const first = await addProgram(root, ["--sp-json", ODD_SP, "--sp", "n=1"], SHOW);
    const second = await addProgram(root, ["--sp", "text=plain", "--sp", "n=2"], SHOW);

    const made = await runCliJson(root, ["queue", "materialize", "--runner", "shell", "--output", "all.sh"]);

    expect(made).toEqual({ path: "all.sh", runner: "shell", runs: 2, waiting: 0 });
    expect(read(root, "all.sh").replace(root, "ROOT")).toBe(
      [
        "#!/bin/sh",
        "cd -- ROOT || exit 2",
        "failed=0",
        `aexp queue run-one ${first} || failed=1`,
        `aexp queue run-one ${second} || failed=1`,
        'exit "$failed"',
        "",
      ].join("\n"),
    );
    expect(statSync(join(root, "all.sh")).mode & 0o111).toBe(0o111);
    expect(await statuses(root)).toEqual(["queued", "queued"]);
    expect((await execute("sh", [join(root, "all.sh")])).exitCode).toBe(0);
    expect(read(root, "1.txt")).toBe(`1|${ODD}`);
    expect(read(root, "2.txt")).toBe("1|plain");
    expect(await statuses(root)).toEqual(["complete", "complete"]);
  });

  it("goes on after a run that fails, and the script ends with 1", async () => {
    const { root, add } = await makeQueueProject();
    await add("--sweep", "n=1..2", "--command", "test {n} = 2");
    await runCli(root, ["queue", "materialize", "--runner", "shell", "--output", "all.sh"]);

    expect((await execute("sh", [join(root, "all.sh")])).exitCode).toBe(1);

    expect([...(await statuses(root))].toSorted()).toEqual(["complete", "failed"]);
  });

  it("puts a run after those that it needs, and counts it as waiting", async () => {
    const { root, add } = await makeQueueProject();
    const [needed] = await add("--sp", "n=1", "--name", "prepare", "--command", "touch prepared");
    await add("--sp", "n=2", "--needs", "prepare", "--priority", "9", "--command", "test -e prepared");

    expect(await runCliJson(root, ["queue", "materialize", "--runner", "shell", "--output", "all.sh"])).toMatchObject({
      runs: 2,
      waiting: 1,
    });

    expect(read(root, "all.sh").split("\n")[3]).toBe(`aexp queue run-one ${needed} || failed=1`);
    expect((await execute("sh", [join(root, "all.sh")])).exitCode).toBe(0);
    expect(await statuses(root)).toEqual(["complete", "complete"]);
  });

  it("writes the plain commands for a machine without aexp, which learn which run they are", async () => {
    const { root, repo, add } = await makeQueueProject();
    await addProgram(root, ["--sp-json", ODD_SP, "--sp", "n=1"], SHOW);
    const command = 'printf "%s\\n" {text} "$AEXP_JOB_ID" "$AEXP_JOB_WORKSPACE" "$AEXP_METRICS_FILE" > line.txt';
    const [line] = await add("--sp-json", ODD_SP, "--sp", "n=2", "--command", command);
    if (line === undefined) throw new Error("nothing was queued");

    const { stdout } = await runCli(root, ["queue", "materialize", "--runner", "manual", "--output", "plain.sh"]);

    expect(stdout).toBe("wrote 2 runs to plain.sh\n");
    expect(read(root, "plain.sh")).not.toMatch(/^aexp /m);
    expect(await execute("sh", [join(root, "plain.sh")])).toEqual({ exitCode: 0, stderr: "" });
    expect(read(root, "1.txt")).toBe(`1|${ODD}`);
    const workspace = repo.runs.workspaceOf(line);
    expect(read(root, "line.txt")).toBe(`${ODD}\n${line}\n${workspace}\n${workspace}/.aexp/metrics.jsonl\n`);
    expect(await statuses(root)).toEqual(["queued", "queued"]);
  });

  it("writes an array script for SLURM, of the runs chosen", async () => {
    const { root, add } = await makeQueueProject();
    await add("--sweep", "n=1..3", "--tag", "last night", "--command", "true");
    await add("--sp", "n=4", "--command", "true");
    const flags = ["--runner", "slurm", "--tag", "last night", "--slurm-time", "1-02:00:00", "--output", "n.sbatch"];

    expect(await runCli(root, ["queue", "materialize", ...flags])).toEqual({
      stdout: "wrote 3 runs to n.sbatch\n",
      stderr: "",
      exitCode: 0,
    });

    expect(read(root, "n.sbatch").replaceAll(root, "ROOT")).toBe(
      [
        "#!/bin/sh",
        "#SBATCH --job-name=aexp-last-night",
        "#SBATCH --array=0-2",
        '#SBATCH --chdir="ROOT"',
        "#SBATCH --output=.aexp/state/slurm-%A_%a.out",
        "#SBATCH --no-requeue",
        "#SBATCH --time=1-02:00:00",
        "cd -- ROOT || exit 2",
        `exec aexp queue run --index "$SLURM_ARRAY_TASK_ID" --tag 'last night'`,
        "",
      ].join("\n"),
    );
    expect(await execute("bash", ["-n", join(root, "n.sbatch")])).toEqual({ exitCode: 0, stderr: "" });
  });

  it("warns that the elements of an array do not wait for each other", async () => {
    const { root, add } = await makeQueueProject();
    await add("--sp", "n=1", "--name", "prepare", "--command", "true");
    await add("--sp", "n=2", "--needs", "prepare", "--command", "true");

    const { stderr } = await runCli(root, ["queue", "materialize", "--runner", "slurm", "--output", "a.sbatch"]);

    expect(stderr).toBe("warning: 1 of these runs waits for others, and the elements of an array start in any order\n");
  });

  it("replaces a file only with --force", async () => {
    const { root, add } = await makeQueueProject();
    await add("--sp", "n=1", "--command", "true");
    writeFileSync(join(root, "mine.sh"), "mine\n");
    const argv = ["queue", "materialize", "--runner", "shell", "--output", "mine.sh"];

    expect(await runCli(root, argv)).toEqual({
      stdout: "",
      stderr: 'error: "mine.sh" is there already. Nothing was written\n  Name another file, or add --force.\n',
      exitCode: 2,
    });
    expect(read(root, "mine.sh")).toBe("mine\n");

    expect((await runCli(root, [...argv, "--force"])).exitCode).toBe(0);
    expect(read(root, "mine.sh")).toMatch(/^#!\/bin\/sh\n/);
  });

  it.each([
    { what: "a tag of no run", flags: ["--runner", "shell", "--tag", "day"], says: /^error: no run is pending/ },
    {
      what: "an experiment of no run",
      flags: ["--runner", "manual", "--experiment", "E002"],
      says: /no run is pending/,
    },
    {
      what: "a time limit that holds more than a time",
      flags: ["--runner", "slurm", "--slurm-time", "10\n#SBATCH --wrap=x"],
      says: /^error: .* is no time limit of SLURM\n/,
    },
    { what: "another runner", flags: ["--runner", "pbs"], says: /shell, slurm, manual/ },
  ])("refuses $what, and writes nothing", async ({ flags, says }) => {
    const { root, add } = await makeQueueProject();
    await add("--sp", "n=1", "--tag", "night", "--command", "true");

    const { stderr, exitCode } = await runCli(root, ["queue", "materialize", ...flags, "--output", "out.sh"]);

    expect(exitCode).toBe(2);
    expect(stderr).toMatch(says);
    expect(existsSync(join(root, "out.sh"))).toBe(false);
  });
});
