import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { fsOutputStore } from "../../src/output/fs/fs-output-store.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { writeFile } from "../helpers/clones.ts";
import { git } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { commitAll, execute, makeTraining, placesOf, recordsOf, TRAIN } from "../helpers/training.ts";

const PIPELINE = `name: demo
stages:
  prepare:
    command: [sh, train.sh, "{inputs.raw}", "{outputs.data}"]
    env: {LOSS: "0.5"}
    inputs: {raw: {path: data/raw.csv}}
    outputs: {data: {path: prepared.csv}}
  train:
    command: sort {inputs.data} > {outputs.model}
    inputs: {data: {stage: prepare}}
    outputs: {model: {path: model}}
`;

/** The runs of some stages. */
async function idsOf(root: string, ...stages: readonly string[]): Promise<readonly string[]> {
  const ids = stages.map(async (stage) => {
    const { stdout } = await runCli(root, ["runs", "list", "--sp", `stage=${stage}`, "--json"]);
    const [{ job_id: jobId = "" } = {}]: { job_id?: string }[] = JSON.parse(stdout);
    return jobId;
  });
  return await Promise.all(ids);
}

function codeOf(result: unknown): { readonly tree?: string } {
  const { code }: { code: { tree?: string } } = JSON.parse(JSON.stringify(result));
  return code;
}

describe("aexp reproduce", () => {
  it("executes the code of then, whatever became of it, and finds the same result", async () => {
    const { root } = await makeTraining();
    const jobId = await execute(root, ["sh", "train.sh", "0.5"], "--sp", "lr=0.5");
    const before = recordsOf(root);
    writeFile(root, "train.sh", "exit 1\n");
    const status = git(root, "status", "--porcelain");

    const { exitCode, stdout, stderr } = await runCli(root, ["reproduce", jobId.slice(0, 8)]);

    expect([exitCode, stderr]).toEqual([
      0,
      `aexp: executing run ${jobId.slice(0, 8)} again, commit ${git(root, "rev-parse", "HEAD").slice(0, 10)}\ntraining with 0.5\n`,
    ]);
    expect(stdout.replaceAll(/\d+\.\d s/g, "0.0 s")).toBe(
      `same: run ${jobId.slice(0, 8)} gives the same result again

  code      commit ${git(root, "rev-parse", "HEAD").slice(0, 10)}
  command   sh train.sh 0.5
  duration  0.0 s (0.0 s then)

Same: the end (exit 0) and 2 metrics.
`,
    );
    expect(recordsOf(root)).toEqual(before);
    expect(git(root, "status", "--porcelain")).toBe(status);
    expect(git(root, "worktree", "list").split("\n")).toHaveLength(1);
    expect(placesOf(root)).toEqual([]);
  });

  it("applies the changes that were not committed then", async () => {
    const { root } = await makeTraining();
    writeFile(root, "train.sh", TRAIN.replace("$1}", "0.25}"));
    const jobId = await execute(root, ["sh", "train.sh", "0.5"], "--sp", "lr=0.5");
    git(root, "checkout", "--quiet", "--", ".");

    const result = await runCliJson(root, ["reproduce", jobId]);

    expect(result).toMatchObject({
      verdict: "same",
      code: { commit: git(root, "rev-parse", "HEAD"), patched: true },
      notes: ["the changes that were not committed then are applied; files that git did not track are not among them"],
    });
  });

  it("refuses changes that do not fit, and executes the commit without them when told so", async () => {
    const { root, repo } = await makeTraining();
    writeFile(root, "train.sh", TRAIN.replace("$1}", "0.25}"));
    const jobId = await execute(root, ["sh", "train.sh", "0.5"], "--sp", "lr=0.5");
    const patch = join(repo.runs.workspaceOf(jobId), ".aexp", "attempt-1", "code.patch");
    writeFileSync(patch, readFileSync(patch, "utf8").replaceAll("training", "tuning"));

    const refused = await runCli(root, ["reproduce", jobId]);
    const plain = await runCliJson(root, ["reproduce", jobId, "--commit", "HEAD"]);

    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain(
      "error: the changes that were not committed then do not fit onto the commit: git apply",
    );
    expect(placesOf(root)).toHaveLength(1); // of the second one, which gave another result
    expect(plain).toMatchObject({
      verdict: "different",
      metrics: [
        { name: "step", result: "same" },
        { name: "loss", recorded: 0.25, reproduced: 0.5, result: "different" },
      ],
    });
  });

  it("shows what is not the same, keeps what was written, and exits with 1", async () => {
    const data = join(tempDir(), "data");
    writeFileSync(data, "0.5");
    const { root } = await makeTraining(
      `loss=$(cat '${data}')\necho "{\\"step\\": 1, \\"loss\\": $loss}" >> "$AEXP_METRICS_FILE"\necho kept > "$AEXP_JOB_WORKSPACE/out.txt"\n`,
    );
    const jobId = await execute(root, ["sh", "train.sh"], "--sp", "lr=0.5");
    writeFileSync(data, "0.25");

    const { exitCode, stdout } = await runCli(root, ["reproduce", "@last"]);

    expect(exitCode).toBe(1);
    const [place = ""] = readdirSync(join(root, ".aexp", "reproductions", jobId));
    expect(stdout.replaceAll(/\d+\.\d s/g, "0.0 s")).toBe(
      `different: run ${jobId.slice(0, 8)} gives another result

  code      commit ${git(root, "rev-parse", "HEAD").slice(0, 10)}
  command   sh train.sh
  duration  0.0 s (0.0 s then)
  kept in   .aexp/reproductions/${jobId}/${place}

      recorded  reproduced
loss  0.5       0.25        different

The same: the end (exit 0) and 1 metric.
`,
    );
    const folder = join(root, ".aexp", "reproductions", jobId, place);
    expect(readdirSync(folder)).toEqual(["workspace"]);
    expect(readFileSync(join(folder, "workspace", "out.txt"), "utf8")).toBe("kept\n");
    expect(git(root, "worktree", "list").split("\n")).toHaveLength(1);
  });

  it("calls a metric close within its tolerance, and knows which metrics there are", async () => {
    const count = join(tempDir(), "count");
    const { root } = await makeTraining(
      `echo x >> '${count}'\nn=$(wc -l < '${count}' | tr -d ' ')\necho "{\\"val.loss\\": 0.5000$n, \\"seconds\\": $n}" >> "$AEXP_METRICS_FILE"\n`,
    );
    const jobId = await execute(root, ["sh", "train.sh"], "--sp", "lr=0.5");
    const reproduce = async (...tolerances: string[]) =>
      await runCli(root, ["reproduce", jobId, ...tolerances.flatMap((one) => ["--tolerance", one])]);

    const exact = await reproduce();
    const within = await reproduce("val/loss=1e-3", "seconds=any");
    const general = await reproduce("1%", "seconds=1000%");
    const outside = await reproduce("val/loss=1e-6", "seconds=any");
    const unknown = await reproduce("val/los=1");

    expect([exact, within, general, outside, unknown].map(({ exitCode }) => exitCode)).toEqual([1, 0, 0, 1, 2]);
    expect(within.stdout).toMatch(/^close: run .* gives a result within the tolerances\n/);
    expect(within.stdout).toMatch(/^val\/loss +0\.50001 +0\.50003 +close +tolerance 0\.001$/m);
    expect(unknown.stderr).toContain('the run recorded no metric "val/los". Did you mean "val/loss"?');
  });

  it("compares ends: a failure that comes again is the same", async () => {
    const flag = join(tempDir(), "flag");
    const { root } = await makeTraining(`test -e '${flag}' && exit 3\nkill -TERM $$\n`);
    const killed = await execute(root, ["sh", "train.sh"], "--sp", "lr=1");

    const same = await runCliJson(root, ["reproduce", killed]);
    writeFileSync(flag, "");
    const other = await runCliJson(root, ["reproduce", killed]);

    expect(same).toMatchObject({ verdict: "same", end: { recorded: "killed by SIGTERM", result: "same" } });
    expect(other).toMatchObject({
      verdict: "different",
      end: { recorded: "killed by SIGTERM", reproduced: "exit 3", result: "different" },
    });
  });

  it("keeps the recorded time limit", async () => {
    const { root } = await makeTraining("sleep 60\n");
    const jobId = await execute(root, ["sh", "train.sh"], "--sp", "lr=1", "--timeout", "300ms");

    expect(await runCliJson(root, ["reproduce", jobId])).toMatchObject({
      verdict: "same",
      end: { recorded: "took too long", reproduced: "took too long" },
    });
  });

  it("compares the digests of outputs", async () => {
    const salt = join(tempDir(), "salt");
    writeFileSync(salt, "1");
    const { root, repo } = await makeTraining(
      `out="$AEXP_JOB_WORKSPACE/outputs/1"\nmkdir -p "$out/model"\ncat '${salt}' > "$out/model/weights"\necho x > "$out/table.csv"\n`,
    );
    const jobId = await execute(root, ["sh", "train.sh"], "--sp", "lr=1");
    const declared = { kind: "file", stream: false, hash: "content" } as const;
    await fsOutputStore.record(repo.runs.workspaceOf(jobId), 1, [
      { ...declared, name: "model", path: "model" },
      { ...declared, name: "table", path: "table.csv" },
      { ...declared, name: "big", path: "table.csv", hash: "stat" },
    ]);

    const same = await runCliJson(root, ["reproduce", jobId]);
    writeFileSync(salt, "2");
    const { stdout, exitCode } = await runCli(root, ["reproduce", jobId]);

    expect(same).toMatchObject({
      verdict: "same",
      outputs: [
        { name: "model", result: "same" },
        { name: "table", result: "same" },
      ],
      not_compared: ["output big: only its size and times were recorded"],
    });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^output model +sha256:[0-9a-f]{12} +sha256:[0-9a-f]{12} +different$/m);
    expect(stdout).toContain("The same: the end (exit 0) and 1 output.");
  });

  it("works where the run worked, with paths of the code and of its folder in its command", async () => {
    const { root, repo } = await makeTraining();
    writeFile(
      root,
      "sub/main.sh",
      '. "$1"\npwd > "$2/pwd"\necho "{\\"loss\\": $(cat here.txt)}" >> "$AEXP_METRICS_FILE"\n',
    );
    writeFile(root, "sub/here.txt", "0.5");
    writeFile(root, "lib.sh", "echo old\n");
    writeFile(root, "data/big.txt", "ignored");
    commitAll(root);
    const template = `cd sub && sh main.sh ${root}/lib.sh {workspace} && cat ${root}/data/big.txt`;
    await runCli(root, ["queue", "add", "--experiment", "E001", "--sp", "lr=1", "--command", template]);
    await runCli(root, ["worker", "start", "--until-empty"]);
    writeFile(root, "sub/here.txt", "0.75");
    writeFile(root, "lib.sh", "exit 9\n");

    const { stdout, stderr, exitCode } = await runCli(root, ["reproduce", "@last", "--keep", "--json"]);

    expect([exitCode, stderr.split("\n").slice(1)]).toEqual([0, ["old", "ignored"]]);
    const result: { verdict: string; folder: string; command: string[] } = JSON.parse(stdout);
    expect(result.verdict).toBe("same");
    const folder = join(root, result.folder);
    expect(result.command.at(-1)).toContain(`${folder}/code/lib.sh`);
    expect(readFileSync(join(folder, "workspace", "pwd"), "utf8")).toBe(`${folder}/code/sub\n`);
    expect(JSON.parse(readFileSync(join(folder, "workspace", "signac_statepoint.json"), "utf8"))).toMatchObject({
      lr: 1,
    });
    expect(git(join(folder, "code"), "status", "--porcelain")).toBe("");
    expect(repo.runs.listJobIds()).toHaveLength(1);
  });

  it("finds the code of a repository that was moved, and of a root that is a subfolder", async () => {
    const { root } = await makeTraining();
    const jobId = await execute(root, ["sh", `${root}/train.sh`, "0.5"], "--sp", "lr=1");
    renameSync(root, `${root}-moved`);
    const moved = await runCliJson(`${root}-moved`, ["reproduce", jobId]);
    expect(moved).toMatchObject({ verdict: "same" });

    const part = join(`${root}-moved`, "part");
    writeFile(part, "run.sh", "sh ../train.sh 0.25\n");
    mkdirSync(join(part, ".aexp"));
    await runCli(part, ["install", "--no-kb", "--yes", "--repo", part]);
    commitAll(`${root}-moved`);
    writeFile(part, "run.sh", "sh ../train.sh 0.75\n"); // and not committed
    const inner = await execute(part, ["sh", "run.sh"], "--sp", "lr=1", "--repo", part);
    writeFile(part, "run.sh", "exit 1\n");

    expect(await runCliJson(part, ["reproduce", inner, "--repo", part])).toMatchObject({
      verdict: "same",
      code: { patched: true },
    });
  });

  it("brings the files of submodules along", async () => {
    const { root } = await makeTraining(". vendor/lib/lib.sh\n");
    const library = (await makeTraining()).root;
    writeFile(library, "lib.sh", "echo from the library\n");
    commitAll(library);
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library, "vendor/lib");
    commitAll(root);
    const jobId = await execute(root, ["sh", "train.sh"], "--sp", "lr=1");
    writeFile(root, "vendor/lib/lib.sh", "exit 1\n");

    const { stderr, exitCode } = await runCli(root, ["reproduce", jobId]);
    rmSync(join(root, "vendor", "lib"), { recursive: true });
    const without = await runCliJson(root, ["reproduce", jobId]);

    expect([exitCode, stderr.split("\n")[1]]).toEqual([0, "from the library"]);
    expect(without).toMatchObject({
      verdict: "different",
      notes: ["the submodule vendor/lib is not cloned here, so its folder is empty"],
    });
  });

  it("executes stages from their tree, with their environment, and checks their inputs", async () => {
    const { root } = await makeTraining(`cat "$1" > "$2"\necho "{\\"loss\\": $LOSS}" >> "$AEXP_METRICS_FILE"\n`);
    writeFile(root, "data/raw.csv", "1\n");
    writeFile(root, "pipeline.yaml", PIPELINE);
    await runCli(root, ["pipeline", "run", "pipeline.yaml"]);
    await runCli(root, ["worker", "start", "--until-empty"]);
    const [prepare = "", train = ""] = await idsOf(root, "prepare", "train");
    writeFile(root, "train.sh", "exit 1\n");

    const both = [await runCliJson(root, ["reproduce", prepare]), await runCliJson(root, ["reproduce", train])];
    writeFile(root, "data/raw.csv", "2\n");
    const changed = await runCli(root, ["reproduce", prepare]);

    const [{ tree = "" } = {}] = both.map((one) => codeOf(one));
    expect(git(root, "cat-file", "-t", tree)).toBe("tree");
    expect(both).toMatchObject([
      {
        verdict: "same",
        code: { tree },
        metrics: [{ name: "loss", recorded: 0.5 }],
        outputs: [{ name: "data", result: "same" }],
      },
      { verdict: "same", code: { tree }, outputs: [{ name: "model", result: "same" }] },
    ]);
    expect([changed.exitCode, changed.stderr]).toEqual([2, expect.stringContaining("is not what it was: sha256:")]);
  });

  it("gives JSON that holds everything", async () => {
    const { root } = await makeTraining();
    const jobId = await execute(root, ["sh", "train.sh", "0.5"], "--sp", "lr=0.5");

    const { stdout } = await runCli(root, ["reproduce", jobId, "--tolerance", "loss=5%", "--json"]);

    expect(JSON.parse(stdout.replaceAll(/:\d+\.\d+(?=[,}])/g, (text) => (text === ":0.5" ? text : ":1")))).toEqual({
      job_id: jobId,
      verdict: "same",
      code: { commit: git(root, "rev-parse", "HEAD"), patched: false },
      command: ["sh", "train.sh", "0.5"],
      wallclock_s: { recorded: 1, reproduced: 1 },
      end: { recorded: "exit 0", reproduced: "exit 0", result: "same" },
      metrics: [
        { name: "step", recorded: 1, reproduced: 1, result: "same" },
        { name: "loss", recorded: 0.5, reproduced: 0.5, tolerance: "5%", result: "same" },
      ],
      outputs: [],
      not_compared: [],
      notes: [],
      folder: null,
    });
  });

  it("says so when only the end could be compared, and what was measured elsewhere", async () => {
    const { root, repo } = await makeTraining("true\n");
    const jobId = await execute(root, ["sh", "train.sh"], "--sp", "lr=0.5");
    await repo.runs.updateDocument(jobId, () => ({ summary_metrics: { mine: 1 } }));

    const { stdout } = await runCli(root, ["reproduce", jobId]);

    expect(stdout).toContain("Only the exit code was compared: the run recorded no metrics and no outputs.");
    expect(stdout).toContain("Not compared:\n  metric mine: it did not come through AEXP_METRICS_FILE");
  });
});
