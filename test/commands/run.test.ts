import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import type { Repo } from "../../src/app/repo.ts";
import { identifyProcess } from "../../src/executor/local/process-identity.ts";
import { type JobId, parseJobId } from "../../src/run/job-id.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { git } from "../helpers/git-repo.ts";
import { makeProject } from "../helpers/project.ts";

const PROGRAMS = join(import.meta.dirname, "..", "fixtures", "programs");

/** Runs a shell command as a run and returns its id and what was told. */
async function execute(
  root: string,
  repo: Repo,
  script: string,
  ...flags: string[]
): Promise<{ exitCode: number; stderr: string; stdout: string; jobId: JobId }> {
  const before = new Set(repo.runs.listJobIds());
  const result = await runCli(root, ["run", "--experiment", "E001", ...flags, "--", "sh", "-c", script]);
  const [jobId] = repo.runs.listJobIds().filter((id) => !before.has(id));
  if (jobId === undefined) throw new Error(`no new run: ${result.stderr}`);
  return { ...result, jobId };
}

function attemptFile(repo: Repo, jobId: JobId, name: string, attempt = 1): string {
  return join(repo.runs.workspaceOf(jobId), ".aexp", `attempt-${attempt}`, name);
}

describe("aexp run", () => {
  it("shows and keeps the output, records metrics, and writes the ledger entry", async () => {
    const { root, repo } = await makeProject();

    const { exitCode, stdout, stderr, jobId } = await execute(
      root,
      repo,
      'echo out; echo err >&2; echo "{\\"step\\": 1, \\"loss\\": 0.5}" >> "$AEXP_METRICS_FILE"; echo "$AEXP_JOB_ID" > "$AEXP_JOB_WORKSPACE/id.txt"',
      "--sp",
      "lr=1.0,seed=0",
    );

    expect(exitCode).toBe(0);
    expect(stdout).toBe("out\n");
    expect(stderr).toMatch(new RegExp(`^err\\naexp: run ${jobId} complete after .* s; ledger entry written\\n$`));
    expect(readFileSync(attemptFile(repo, jobId, "stdout.log"), "utf8")).toBe("out\n");
    expect(readFileSync(attemptFile(repo, jobId, "stderr.log"), "utf8")).toBe("err\n");
    expect(readFileSync(join(repo.runs.workspaceOf(jobId), "id.txt"), "utf8")).toBe(`${jobId}\n`);
    const { facts } = repo.runs.read(jobId).document;
    expect(facts).toMatchObject({
      status: "complete",
      exit_code: 0,
      attempt: 1,
      summary_metrics: { step: 1, loss: 0.5 },
    });
    expect(facts.queue).toBeUndefined();
    expect(facts.attempts).toHaveLength(1);
    expect(repo.ledger.has(jobId)).toBe(true);
  });

  it("names the commit, and counts neither untracked files nor its own as changes", async () => {
    const { root, repo } = await makeProject();
    writeFileSync(join(root, "scratch.txt"), "x");

    const first = await execute(root, repo, "true", "--sp", "a=1");
    const second = await execute(root, repo, "true", "--sp", "a=2");
    const third = await execute(root, repo, "true", "--sp", "a=3", "--no-commit");

    const commit = git(root, "rev-parse", "HEAD");
    for (const { jobId } of [first, second]) {
      const { statePoint } = repo.runs.read(jobId);
      expect([statePoint.get("code_commit"), statePoint.get("code_dirty")]).toEqual([commit, false]);
    }
    expect(repo.runs.read(third.jobId).statePoint.has("code_commit")).toBe(false);
  });

  it("keeps a patch of a dirty tree that git can apply, whatever bytes it has", async () => {
    const { root, repo } = await makeProject();
    const bytes = Buffer.from([0, 255, 10, 13, 233, 128]);
    writeFileSync(join(root, "data.bin"), bytes);
    writeFileSync(join(root, "latin1.txt"), Buffer.from("caf\xe9\n", "latin1"));
    git(root, "add", "--all");
    git(root, "commit", "--quiet", "--message", "Add data");
    writeFileSync(join(root, "data.bin"), Buffer.concat([bytes, Buffer.from([7, 0])]));
    writeFileSync(join(root, "latin1.txt"), Buffer.from("th\xe9\n", "latin1"));

    const { jobId } = await execute(root, repo, "true", "--sp", "a=1");

    expect(repo.runs.read(jobId).statePoint.get("code_dirty")).toBe(true);
    git(root, "checkout", "--quiet", "--", ".");
    git(root, "apply", attemptFile(repo, jobId, "code.patch"));
    expect(readFileSync(join(root, "data.bin"))).toEqual(Buffer.concat([bytes, Buffer.from([7, 0])]));
    expect(readFileSync(join(root, "latin1.txt"), "latin1")).toBe("th\xe9\n");
  });

  it.each([
    {
      how: "an exit code",
      script: "echo gone wrong >&2; exit 7",
      exitCode: 7,
      reason: { code: "exit_nonzero", message: "exit 7" },
    },
    {
      how: "a signal",
      script: "kill -KILL $$",
      exitCode: 137,
      reason: { code: "signal", message: "killed by SIGKILL" },
    },
  ])("passes on $how and says why", async ({ script, exitCode, reason }) => {
    const { root, repo } = await makeProject();

    const result = await execute(root, repo, script, "--sp", "a=1");

    expect(result.exitCode).toBe(exitCode);
    const { facts } = repo.runs.read(result.jobId).document;
    expect(facts).toMatchObject({ status: "failed", reason });
    expect(facts.queue?.last_error).toMatchObject({ cause: reason.message });
  });

  it("ends a command that takes too long, with all that it started, although it ignores TERM", async () => {
    const { root, repo } = await makeProject();

    const result = await runCli(
      root,
      ["run", "--sp", "a=1", "--timeout", "1s", "--", process.execPath, join(PROGRAMS, "stubborn.js")],
      {
        env: { AEXP_GRACE_S: "0.5" },
      },
    );

    const [jobId] = repo.runs.listJobIds();
    if (jobId === undefined) throw new Error("no run");
    expect(result.exitCode).toBe(124);
    expect(repo.runs.read(jobId).document.facts).toMatchObject({ status: "failed", reason: { code: "timeout" } });
    const pids = readFileSync(attemptFile(repo, jobId, "stdout.log"), "utf8")
      .trim()
      .split("\n")
      .map(Number);
    expect(pids).toHaveLength(2);
    for (const pid of pids) expect(identifyProcess(pid, pid)).toBeUndefined();
  });

  it("says what to do when the program cannot be started", async () => {
    const { root, repo } = await makeProject();

    const missing = await runCli(root, ["run", "--sp", "a=1", "--", "no-such-program"]);
    const oneWord = await runCli(root, ["run", "--sp", "a=2", "--", "echo hello"]);

    expect(missing.exitCode).toBe(127);
    expect(missing.stderr).toContain('failed (there is no program "no-such-program" (ENOENT))');
    expect(oneWord.stderr).toContain("arguments are words of their own, and for a whole line there is sh -c");
    expect(oneWord.exitCode).toBe(127);
    for (const jobId of repo.runs.listJobIds()) {
      expect(repo.runs.read(jobId).document.facts).toMatchObject({ status: "failed", reason: { code: "spawn_error" } });
    }
  });

  it("executes a finished run again only with --force, as a new attempt", async () => {
    const { root, repo } = await makeProject();
    const { jobId } = await execute(root, repo, "exit 1", "--sp", "a=1");
    const again = ["run", "--experiment", "E001", "--sp", "a=1", "--", "true"];

    const refused = await runCli(root, again);
    const forced = await runCli(root, ["run", "--force", ...again.slice(1)]);

    expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
    expect(refused.stderr).toContain(`run ${jobId} is failed already. Nothing was executed`);
    expect(forced.exitCode).toBe(0);
    const { facts } = repo.runs.read(jobId).document;
    expect(facts).toMatchObject({ status: "complete", attempt: 2, exit_code: 0 });
    expect(facts.reason).toBeUndefined();
    expect(facts.attempts?.map(({ n, status }) => [n, status])).toEqual([
      [1, "failed"],
      [2, "complete"],
    ]);
    expect(existsSync(attemptFile(repo, jobId, "stdout.log", 1))).toBe(true);
    expect(existsSync(attemptFile(repo, jobId, "stdout.log", 2))).toBe(true);
    const read = repo.ledger.read(jobId);
    expect(read?.kind === "entry" && read.record.entry).toMatchObject({ status: "complete", attempt_count: 2 });
  });

  it("finishes complete when the ledger cannot be written, says so, and backfill heals it", async () => {
    const { root, repo } = await makeProject();
    mkdirSync(join(root, ".aexp"), { recursive: true });
    writeFileSync(join(root, ".aexp", "ledger"), "a file in the way");

    const { exitCode, stderr, jobId } = await execute(root, repo, "true", "--sp", "a=1");

    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/warning: run [0-9a-f]{32} is complete, but has no ledger entry yet/);
    expect(repo.runs.read(jobId).document.facts.status).toBe("complete");
    rmSync(join(root, ".aexp", "ledger"));
    expect((await runCli(root, ["ledger", "backfill"])).exitCode).toBe(0);
    expect(repo.ledger.has(jobId)).toBe(true);
  });

  it("caps the log of a program that floods, and goes on", async () => {
    const { root, repo } = await makeProject();

    const { exitCode } = await runCli(root, [
      "run",
      "--sp",
      "a=1",
      "--json",
      "--",
      process.execPath,
      join(PROGRAMS, "flood.js"),
      "30",
    ]);

    const [jobId] = repo.runs.listJobIds();
    if (jobId === undefined) throw new Error("no run");
    expect(exitCode).toBe(0);
    expect(statSync(attemptFile(repo, jobId, "stdout.log")).size).toBeLessThan(10.1 * 1024 * 1024);
    expect(readFileSync(attemptFile(repo, jobId, "stdout.log"), "latin1")).toMatch(/\[aexp: \d+ bytes left out here\]/);
  });

  it("goes on without what cannot be kept, and says so", async () => {
    const { root, repo } = await makeProject();

    const { exitCode, stderr, jobId } = await execute(
      root,
      repo,
      'mkdir "$AEXP_JOB_WORKSPACE/.aexp/attempt-1/exit.json"; echo "step 1" > "$AEXP_METRICS_FILE"',
      "--sp",
      "a=1",
    );

    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/warning: what was kept of attempt 1 of run .* is not whole: .*exit.json/);
    expect(stderr).toContain("warning: 1 lines of the metrics file of run");
    expect(repo.runs.read(jobId).document.facts.status).toBe("complete");
  });

  it("fails a run whose folder takes no attempt", async () => {
    const { root, repo } = await makeProject();
    const { stdout } = await runCli(root, ["runs", "new", "--experiment", "E001", "--sp", "a=1"]);
    const jobId = parseJobId(stdout.trim());
    writeFileSync(join(repo.runs.workspaceOf(jobId), ".aexp"), "a file in the way");

    const { exitCode } = await runCli(root, ["run", "--experiment", "E001", "--sp", "a=1", "--", "true"]);

    expect(exitCode).toBe(127);
    expect(repo.runs.read(jobId).document.facts).toMatchObject({ status: "failed", reason: { code: "spawn_error" } });
  });

  it("lets one of two simultaneous calls execute, and refuses the other", async () => {
    const { root, repo } = await makeProject();
    const call = ["run", "--sp", "a=1", "--", "sh", "-c", 'echo once >> "$AEXP_JOB_WORKSPACE/trace"; sleep 0.2'];

    const results = await Promise.all([runCli(root, call), runCli(root, call)]);

    expect(results.map(({ exitCode }) => exitCode).toSorted((a, b) => a - b)).toEqual([0, 75]);
    const [jobId = parseJobId("")] = repo.runs.listJobIds();
    expect(readFileSync(join(repo.runs.workspaceOf(jobId), "trace"), "utf8")).toBe("once\n");
  });

  it("prints the id that a run would have, and registers nothing", async () => {
    const { root, repo } = await makeProject();

    const { stdout } = await runCli(root, ["run", "--name-only", "--sp", "a=1", "--", "true"]);

    expect(stdout).toMatch(/^[0-9a-f]{32}\n$/);
    expect(repo.runs.listJobIds()).toEqual([]);
    expect(await runCliJson(root, ["run", "--name-only", "--sp", "a=1"])).toEqual({ job_id: stdout.trim() });
  });

  it("records names of environment variables, and no values but its own", async () => {
    const { root, repo } = await makeProject();

    await runCli(root, ["run", "--sp", "a=1", "--", "true"], {
      env: { MY_SECRET: "hunter2hunter2", AEXP_HEARTBEAT_S: "5" },
    });

    const [jobId] = repo.runs.listJobIds();
    if (jobId === undefined) throw new Error("no run");
    const text = readFileSync(attemptFile(repo, jobId, "env.json"), "utf8");
    expect(text).toContain('"MY_SECRET"');
    expect(text).not.toContain("hunter2");
    expect(JSON.parse(text)).toMatchObject({ values: { AEXP_HEARTBEAT_S: "5" } });
  });

  it("refuses parameters that could never be committed, before anything is written", async () => {
    const { root, repo } = await makeProject();

    const path = await runCli(root, ["run", "--sp", `data=${root}/data.csv`, "--", "true"]);
    const secret = await runCli(root, ["run", "--sp", "key=ghp_012345678901234567890123456789012345", "--", "true"]);
    const bad = await runCli(root, ["run", "--sp-json", '{"a.b": 1}', "--", "true"]);

    expect([path.exitCode, secret.exitCode, bad.exitCode]).toEqual([2, 2, 2]);
    expect(path.stderr).toContain("Use a path relative to the repository");
    expect(secret.stderr).not.toContain("ghp_0");
    expect(repo.runs.listJobIds()).toEqual([]);
    expect(
      (await runCli(root, ["run", "--allow-local-path", "--sp", `data=${root}/data.csv`, "--", "true"])).exitCode,
    ).toBe(0);
    expect(repo.ledger.listJobIds()).toHaveLength(1);
  });

  it.each([
    { what: "no command", argv: ["--sp", "a=1"], message: "there is no command to execute" },
    {
      what: "a command without dashes",
      argv: ["echo", "hi"],
      message: "Put two dashes before the command: aexp run … -- echo hi",
    },
    { what: "a bad duration", argv: ["--timeout", "soon", "--", "true"], message: "is not a duration" },
    { what: "a bad experiment", argv: ["--experiment", "1", "--", "true"], message: "is no experiment id" },
    { what: "a missing file", argv: ["--sp-file", "none.json", "--", "true"], message: "cannot be read" },
  ])("refuses $what", async ({ argv, message }) => {
    const { root } = await makeProject();

    const { exitCode, stderr } = await runCli(root, ["run", ...argv]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });

  it("says what to do where nothing is installed", async () => {
    const { root, repo } = await makeProject();
    rmSync(repo.runs.path, { recursive: true });

    const { exitCode, stderr } = await runCli(root, ["run", "--sp", "a=1", "--", "true"]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain("Run `aexp install`.");
  });

  it("runs a script from a folder whose name needs quoting", async () => {
    const { root, repo } = await makeProject(`it's a "project" $HOME`);
    const script = join(root, "say hello.sh");
    writeFileSync(script, '#!/bin/sh\nprintf "%s|" "$@"\n');
    chmodSync(script, 0o755);

    const { stdout } = await runCli(root, ["run", "--sp", "a=1", "--", script, "a b", "", "$(id)", "-x"]);

    expect(stdout).toBe("a b||$(id)|-x|");
    expect(repo.ledger.listJobIds()).toHaveLength(1);
  });
});
