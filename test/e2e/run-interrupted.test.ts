import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { identifyProcess } from "../../src/executor/local/process-identity.ts";
import { makeProject } from "../helpers/project.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "main.js");

function start(root: string, ...argv: string[]): ChildProcess {
  return spawn(process.execPath, [MAIN, ...argv], { cwd: root, stdio: ["ignore", "ignore", "pipe"] });
}

function runAgain(root: string, ...argv: string[]): { exitCode: number | null; stderr: string } {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...argv], { cwd: root, encoding: "utf8" });
  return { exitCode: status, stderr };
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.on("exit", (code) => resolve(code)));
}

/** The process ids that a run's program printed. */
function printedPids(root: string): number[] {
  const [jobId = ""] = readdirSync(join(root, ".runs", "workspace"));
  const log = join(root, ".runs", "workspace", jobId, ".aexp", "attempt-1", "stdout.log");
  return existsSync(log) ? readFileSync(log, "utf8").trim().split("\n").filter(Boolean).map(Number) : [];
}

describe("an interrupted aexp run", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "ends its program and marks the run stopped on %s",
    async (signal) => {
      const { root, repo } = await makeProject();
      const child = start(root, "run", "--sp", "a=1", "--", "sh", "-c", "echo $$; sleep 600 & echo $!; wait");
      const pids = await waitUntil(
        "the program to start",
        () => repo.runs.listJobIds().length > 0 && printedPids(root).length === 2 && printedPids(root),
      );

      child.kill(signal);

      expect(await ended(child)).toBe(130);
      const [jobId] = repo.runs.listJobIds();
      if (jobId === undefined) throw new Error("no run");
      expect(repo.runs.read(jobId).document.facts).toMatchObject({
        status: "stopped",
        reason: { code: "operator_stop" },
      });
      expect(repo.ledger.has(jobId)).toBe(true);
      for (const pid of pids) expect(identifyProcess(pid, pid)).toBeUndefined();
    },
  );

  it("is not run a second time while its program lives, and --force ends that first", async () => {
    const { root, repo } = await makeProject();
    const command = [
      "--sp",
      "a=1",
      "--",
      "sh",
      "-c",
      'test -e again && exit 0; touch again; trap "" TERM PIPE; echo $$; while :; do sleep 0.1; done',
    ];
    const child = start(root, "run", ...command);
    const [pid = 0] = await waitUntil(
      "the program to start",
      () => repo.runs.listJobIds().length > 0 && printedPids(root).length === 1 && printedPids(root),
    );
    child.kill("SIGKILL");
    await ended(child);

    const refused = runAgain(root, "run", ...command);
    const { status: statusMeanwhile } = spawnSync("kill", ["-0", String(pid)]);
    const forced = spawnSync(process.execPath, [MAIN, "run", "--force", ...command], {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, AEXP_GRACE_S: "0.3" },
    });

    expect(refused.exitCode).toBe(75);
    expect(refused.stderr).toContain(`its program still runs as process ${pid}`);
    expect(statusMeanwhile).toBe(0);
    expect(forced.status).toBe(0);
    expect(identifyProcess(pid, pid)).toBeUndefined();
    const [jobId] = repo.runs.listJobIds();
    if (jobId === undefined) throw new Error("no run");
    const { facts } = repo.runs.read(jobId).document;
    expect(facts).toMatchObject({ status: "complete", attempt: 2 });
    expect(facts.attempts?.map(({ reason }) => reason?.code)).toEqual(["lost", undefined]);
  });

  it("is finished by the same call after kill -9 at any point, with one entry and no torn file", async () => {
    const { root, repo } = await makeProject();
    const points = Array.from({ length: 20 }, (_, index) => 20 + index * 12);
    const outcomes: string[] = [];
    for (const [index, afterMs] of points.entries()) {
      const command = [
        "run",
        "--experiment",
        "E001",
        "--sp",
        `point=${index}`,
        "--",
        "sh",
        "-c",
        "echo x >> ../count-$AEXP_JOB_ID",
      ];
      const child = start(root, ...command);
      // What is killed, and where, is up to the machine; that it is consistent afterwards is not.
      const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
      await ended(child);
      clearTimeout(timer);

      let again = runAgain(root, ...command);
      if (again.exitCode === 75)
        again = await waitUntil("the orphan to end", () => {
          const next = runAgain(root, ...command);
          return next.exitCode !== 75 && next;
        });
      outcomes.push(again.exitCode === 0 ? "finished" : "was finished");
      expect([0, 2]).toContain(again.exitCode);
      if (again.exitCode === 2) expect(again.stderr).toContain("is complete already");
    }

    expect(outcomes).toContain("finished");
    expect(repo.runs.listJobIds()).toHaveLength(points.length);
    expect(repo.ledger.listJobIds()).toEqual(repo.runs.listJobIds());
    for (const read of repo.runs.readAll()) {
      expect(read.kind).toBe("run");
      if (read.kind === "run") expect(read.run.document).toMatchObject({ statusText: "complete", problems: [] });
    }
    for (const read of repo.ledger.readAll()) expect(read.kind).toBe("entry");
  });
});
