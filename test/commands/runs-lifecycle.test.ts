import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { launch } from "../../src/cli/launch.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { makeProject } from "../helpers/project.ts";
import { addEntry, addRun, addRunFile } from "../helpers/sweep.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const GONE = { pid: 999_999_999, pgid: 999_999_999, host: hostname() };
const AWAY = "0123456789abcdef0123456789abcdef";

describe("aexp runs new", () => {
  it("registers without executing, once", async () => {
    const { root, repo } = await makeProject();
    mkdirSync(join(root, "kb/research/experiments"), { recursive: true });
    writeFileSync(join(root, "kb/research/experiments/E001-sweep.md"), "");
    writeFileSync(join(root, "p.json"), '{"lr": 1.0, "layers": [64, 64]}');
    const argv = ["new-run", "--experiment", "E001", "--hypothesis", "H001", "--sp-file", "p.json", "--sp", "lr=2.0"];

    const first = await runCli(root, argv);
    const second = await runCli(root, argv);

    const jobId = repo.runs.newestJobId();
    expect(first).toEqual({ stdout: `${jobId}\n`, stderr: "", exitCode: 0 });
    expect(second.stdout).toBe(`${jobId}\n`);
    expect(second.stderr).toContain("was registered before; nothing was changed");
    expect(await runCliJson(root, argv)).toEqual({ job_id: jobId, new: false });
    if (jobId === undefined) throw new Error("no run");
    const { facts } = repo.runs.read(jobId).document;
    expect(facts).toMatchObject({
      status: "created",
      aexp: {
        experiment_id: "E001",
        experiment_path: "kb/research/experiments/E001-sweep.md",
        hypothesis_id: "H001",
        sub_hypothesis_id: null,
      },
    });
    expect(repo.ledger.listJobIds()).toEqual([]);
  });
});

describe("aexp runs mark", () => {
  it("changes the status with its reason, and promotes", async () => {
    const { root, repo } = await makeProject();
    const jobId = await addRun(root, '{"a": 1}', { status: "created" });

    const { stdout } = await runCli(root, ["runs", "mark", jobId, "failed", "--reason", "oom: out of memory: gpu03"]);

    expect(stdout).toBe(`Run ${jobId} is failed; its ledger entry is written.\n`);
    expect(repo.runs.read(jobId).document.facts).toMatchObject({
      status: "failed",
      reason: { code: "oom", message: "out of memory: gpu03" },
    });
    expect(repo.ledger.has(jobId)).toBe(true);
    expect(await runCliJson(root, ["runs", "mark", "@last", "abandoned"])).toEqual({
      job_id: jobId,
      status: "abandoned",
      ledger: "written",
    });
  });

  it.each([
    { argv: ["compleet"], says: 'is not a status. Did you mean "complete"?' },
    { argv: ["failed", "--reason", "omm"], says: "is not the code of a reason" },
    { argv: ["created"], says: "is complete and cannot become created" },
    { argv: ["complete"], says: "is complete already. Nothing was changed" },
  ])("refuses $argv", async ({ argv, says }) => {
    const { root, repo } = await makeProject();
    const jobId = await addRun(root, '{"a": 1}', { status: "complete" });

    const { exitCode, stderr } = await runCli(root, ["runs", "mark", jobId, ...argv]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain(says);
    expect(repo.runs.read(jobId).document.facts).toEqual({ status: "complete" });
  });
});

describe("aexp runs link", () => {
  it("links a finished run, keeps its other keys, and renews its entry", async () => {
    const { root, repo } = await makeProject();
    const jobId = await addRun(root, '{"a": 1}', {
      status: "complete",
      ended_at: "2026-03-01T10:00:00Z",
      limina: { experiment_id: "E009" },
      mine: 1,
    });

    const { stdout } = await runCli(root, ["link", jobId.slice(0, 6), "--experiment", "E002", "--hypothesis", "H003"]);

    expect(stdout).toBe(`Run ${jobId} belongs to E002; its ledger entry was renewed.\n`);
    const document = repo.runs.readExactDocument(jobId);
    expect([...document.keys()].toSorted()).toEqual(["aexp", "ended_at", "mine", "status"]);
    const read = repo.ledger.read(jobId);
    expect(read?.kind === "entry" && read.record.entry.run_link).toMatchObject({
      experiment_id: "E002",
      hypothesis_id: "H003",
    });
  });

  it("leaves the ledger alone for a run that is not finished", async () => {
    const { root, repo } = await makeProject();
    const jobId = await addRun(root, '{"a": 1}', { status: "created" });

    expect(await runCliJson(root, ["runs", "link", jobId, "--experiment", "E002"])).toEqual({
      job_id: jobId,
      experiment_id: "E002",
      ledger: "none",
    });
    expect(repo.ledger.has(jobId)).toBe(false);
  });
});

describe("a run of another machine", () => {
  it.each([
    { argv: ["runs", "logs", AWAY] },
    { argv: ["runs", "mark", AWAY, "abandoned"] },
    { argv: ["runs", "link", AWAY, "--experiment", "E001"] },
  ])("is not touched by $argv.1", async ({ argv }) => {
    const { root } = await makeProject();
    addEntry(root, AWAY, '{"a": 1}', "cluster");

    const { exitCode, stderr } = await runCli(root, argv);

    expect(exitCode).toBe(2);
    expect(stderr).toContain(`run ${AWAY} is on cluster; here is only its ledger entry`);
  });
});

describe("aexp runs logs", () => {
  const BYTES = Buffer.from([0x1b, 0x5b, 0x33, 0x31, 0x6d, 0xff, 0x00, 0x0a]);

  it("prints the bytes of the newest attempt, or of the one that is asked for", async () => {
    const { root } = await makeProject();
    const jobId = await addRun(root, '{"a": 1}', { status: "complete", attempt: 2 });
    addRunFile(root, jobId, "attempt-1/stdout.log", "first\n");
    addRunFile(root, jobId, "attempt-2/stdout.log", "second\n");
    addRunFile(root, jobId, "attempt-2/stderr.log", "oops\n");

    expect((await runCli(root, ["logs", jobId])).stdout).toBe("second\n");
    expect((await runCli(root, ["logs", jobId, "--attempt", "1"])).stdout).toBe("first\n");
    expect(await runCliJson(root, ["runs", "logs", jobId, "--stderr"])).toEqual({
      job_id: jobId,
      stream: "stderr",
      text: "oops\n",
    });
    const missing = await runCli(root, ["logs", jobId, "--attempt", "3"]);
    expect(missing).toMatchObject({ exitCode: 2, stdout: "" });
    expect(missing.stderr).toContain("attempt 3 of run");
  });

  it("changes no byte, except on a terminal, where control sequences go", async () => {
    const { root } = await makeProject();
    const jobId = await addRun(root, '{"a": 1}', { status: "complete" });
    mkdirSync(join(root, ".runs/workspace", jobId, ".aexp/attempt-1"), { recursive: true });
    writeFileSync(join(root, ".runs/workspace", jobId, ".aexp/attempt-1/stdout.log"), BYTES);
    const print = async (isTTY: boolean) => {
      const pieces: Buffer[] = [];
      const stdout = { isTTY, columns: 80, write: (data: string | Uint8Array) => pieces.push(Buffer.from(data)) };
      await launch(["logs", jobId], { stdout, stderr: stdout, env: process.env, cwd: root });
      return Buffer.concat(pieces);
    };

    expect(await print(false)).toEqual(BYTES);
    expect((await print(true)).includes(0x1b)).toBe(false);
  });

  it("follows until the run has ended, and misses nothing", async () => {
    const { root, repo } = await makeProject();
    const jobId = await addRun(root, '{"a": 1}', { status: "running", attempt: 1 });
    addRunFile(root, jobId, "attempt-1/stdout.log", "one\n");
    let printed = "";
    const stdout = { write: (data: string | Uint8Array) => (printed += Buffer.from(data).toString()) };
    const ended = launch(["logs", jobId, "--follow"], { stdout, stderr: stdout, env: process.env, cwd: root });

    await waitUntil("the first line", () => printed === "one\n");
    appendFileSync(join(root, ".runs/workspace", jobId, ".aexp/attempt-1/stdout.log"), "two\n");
    await waitUntil("the second line", () => printed === "one\ntwo\n");
    appendFileSync(join(root, ".runs/workspace", jobId, ".aexp/attempt-1/stdout.log"), "three\n");
    await repo.runs.updateDocument(jobId, () => ({ status: "complete" }));

    expect(await ended).toBe(0);
    expect(printed).toBe("one\ntwo\nthree\n");
  });

  it("stops following when the aexp that ran it is gone", async () => {
    const { root } = await makeProject();
    const jobId = await addRun(root, '{"a": 1}', { status: "running", queue: { proc: GONE } });
    addRunFile(root, jobId, "attempt-1/stdout.log", "one\n");

    expect((await runCli(root, ["logs", jobId, "--follow"])).stdout).toBe("one\n");
  });
});

/** A run that is marked as running, by an aexp that is gone. */
async function crashed(queue: Record<string, never> | { proc: typeof GONE }) {
  const { root, repo } = await makeProject();
  const jobId = await addRun(root, '{"a": 1}', {
    status: "running",
    attempt: 1,
    started_at: "2026-03-01T10:00:00Z",
    queue,
  });
  return { root, repo, jobId };
}

describe("aexp run, after a crash", () => {
  const CALL = ["run", "--no-commit", "--sp", "a=1"];
  const EXECUTE = ["--", "sh", "-c", "echo executed"];

  it("completes the record of an attempt whose end was kept, and executes nothing", async () => {
    const { root, repo, jobId } = await crashed({ proc: GONE });
    addRunFile(
      root,
      jobId,
      "attempt-1/exit.json",
      JSON.stringify({
        cause: { kind: "exited", exitCode: 4 },
        exitCode: 4,
        signal: null,
        endedAtMs: Date.parse("2026-03-01T10:00:09Z"),
        wallclockS: 9.25,
        stderrTail: "it broke",
      }),
    );

    const { exitCode, stdout, stderr } = await runCli(root, [...CALL, ...EXECUTE]);

    expect(exitCode).toBe(4);
    expect(stdout).toBe("");
    expect(stderr).toContain("which had ended before and is now recorded");
    expect(repo.runs.read(jobId).document.facts).toMatchObject({
      status: "failed",
      ended_at: "2026-03-01T10:00:09Z",
      wallclock_s: 9.25,
      exit_code: 4,
      queue: { last_error: { stderr_tail: "it broke" } },
    });
    expect(repo.ledger.has(jobId)).toBe(true);
  });

  it.each(["", "{", '{"cause": {"kind": "exited"}}', '{"cause": {"kind": "vanished"}}', "[]"])(
    "starts the next attempt when the kept end is %j",
    async (text) => {
      const { root, repo, jobId } = await crashed({ proc: GONE });
      addRunFile(root, jobId, "attempt-1/exit.json", text);
      addRunFile(root, jobId, "metrics.jsonl", '{"old": 1}\n');

      const { exitCode, stdout, stderr } = await runCli(root, [...CALL, ...EXECUTE]);

      expect(exitCode).toBe(0);
      expect(stdout).toBe("executed\n");
      expect(stderr).toContain("attempt 1 of run");
      const { facts } = repo.runs.read(jobId).document;
      expect(facts.attempts?.map(({ n, status, reason }) => [n, status, reason?.code])).toEqual([
        [1, "failed", "lost"],
        [2, "complete", undefined],
      ]);
      expect(facts.summary_metrics).toBeUndefined();
    },
  );

  it("does not touch a run of another machine, or of somebody unknown", async () => {
    const foreign = await crashed({ proc: { ...GONE, host: "gpu03.example.org" } });
    const unknown = await crashed({});

    const first = await runCli(foreign.root, [...CALL, ...EXECUTE]);
    const second = await runCli(unknown.root, [...CALL, ...EXECUTE]);
    const forced = await runCli(unknown.root, [...CALL, "--force", ...EXECUTE]);

    expect([first.exitCode, second.exitCode, forced.exitCode]).toEqual([75, 75, 0]);
    expect(first.stderr).toContain("it runs on gpu03.example.org, which cannot be asked from here");
    expect(second.stderr).toContain("not by an aexp process that could be asked");
    expect(forced.stdout).toBe("executed\n");
  });

  it("writes the entry that a finished run lacks, and says that it is finished", async () => {
    const { root, repo } = await makeProject();
    const jobId = await addRun(root, '{"a": 1}', { status: "complete", ended_at: "2026-03-01T10:00:00Z" });

    const { exitCode } = await runCli(root, [...CALL, ...EXECUTE]);

    expect(exitCode).toBe(2);
    expect(repo.ledger.has(jobId)).toBe(true);
  });
});
