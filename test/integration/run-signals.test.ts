import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import type { Repo } from "../../src/app/repo.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { type AexpProcess, isRunning, startAexp } from "../helpers/aexp-process.ts";
import { runCli } from "../helpers/cli.ts";
import { makeProject } from "../helpers/project.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const PROGRAMS = join(import.meta.dirname, "..", "fixtures", "programs");
const STUBBORN = ["--", process.execPath, join(PROGRAMS, "stubborn.js")];

function onlyRun(repo: Repo): JobId {
  const [jobId, ...others] = repo.runs.listJobIds();
  if (jobId === undefined || others.length > 0) throw new Error("expected one run");
  return jobId;
}

/** The process ids of the program and of its child, once both are there. */
async function stubbornPids(aexp: AexpProcess): Promise<readonly number[]> {
  return await waitUntil("both processes", () => {
    const pids = aexp.printed.stdout.trim().split("\n").map(Number);
    return pids.length === 2 && pids;
  });
}

describe("aexp run, interrupted", () => {
  it.each([
    { signal: "SIGINT", reason: { code: "operator_stop", message: "Ctrl-C" } },
    { signal: "SIGTERM", reason: { code: "interrupted", message: "aexp got SIGTERM" } },
    { signal: "SIGHUP", reason: { code: "interrupted", message: "aexp got SIGHUP: its terminal was closed" } },
  ] as const)(
    "ends the program and all that it started on $signal, although they ignore TERM",
    async ({ signal, reason }) => {
      const { root, repo } = await makeProject();
      const aexp = startAexp(root, ["run", "--sp", "a=1", ...STUBBORN], { AEXP_GRACE_S: "0.5" });
      const pids = await stubbornPids(aexp);

      const toldMs = performance.now();
      aexp.child.kill(signal);

      await waitUntil("the end of both processes", () => !pids.some(isRunning));
      expect(performance.now() - toldMs).toBeLessThan(500 + 20_000);
      expect(await aexp.ended).toMatchObject({ exitCode: 130 });
      expect(pids.filter(isRunning)).toEqual([]);
      const { facts } = repo.runs.read(onlyRun(repo)).document;
      expect(facts).toMatchObject({ status: "stopped", reason, signal: "SIGKILL" });
      expect(facts.queue).toBeUndefined();
      expect(repo.ledger.has(onlyRun(repo))).toBe(true);
    },
  );

  it("kills at once on the second Ctrl-C", async () => {
    const { root, repo } = await makeProject();
    const aexp = startAexp(root, ["run", "--sp", "a=1", ...STUBBORN], { AEXP_GRACE_S: "300" });
    const pids = await stubbornPids(aexp);

    aexp.child.kill("SIGINT");
    const again = setInterval(() => aexp.child.kill("SIGINT"), 100);
    const { exitCode } = await aexp.ended.finally(() => clearInterval(again));

    expect(exitCode).toBe(130);
    expect(pids.filter(isRunning)).toEqual([]);
    expect(repo.runs.read(onlyRun(repo)).document.facts.status).toBe("stopped");
  });

  it("goes on when the reader of its output is gone", async () => {
    const { root, repo } = await makeProject();
    const aexp = startAexp(root, ["run", "--sp", "a=1", "--", "sh", "-c", "yes | head -c 3000000; echo end >&2"]);
    aexp.child.stdout?.once("data", () => aexp.child.stdout?.destroy());

    expect(await aexp.ended).toMatchObject({ exitCode: 0 });
    expect(aexp.printed.stderr).toContain("end\n");
    expect(aexp.printed.stderr).not.toContain("MaxListeners");
    const log = join(repo.runs.workspaceOf(onlyRun(repo)), ".aexp", "attempt-1", "stdout.log");
    expect(readFileSync(log)).toHaveLength(3_000_000);
  });

  it("refuses to run what runs already, and finds a program whose aexp was killed", async () => {
    const { root, repo } = await makeProject();
    const call = ["run", "--sp", "a=1", ...STUBBORN];
    const aexp = startAexp(root, call);
    const pids = await stubbornPids(aexp);
    const jobId = onlyRun(repo);

    const second = await runCli(root, call);
    expect(second.exitCode).toBe(75);
    expect(second.stderr).toContain(`watched by process ${aexp.pid}`);
    const marked = await runCli(root, ["runs", "mark", jobId, "complete"]);
    expect(marked.exitCode).toBe(75);
    expect(marked.stderr).toContain(`kill ${aexp.pid}`);

    aexp.child.kill("SIGKILL");
    await aexp.ended;
    const orphaned = await runCli(root, call);
    expect(orphaned.exitCode).toBe(75);
    expect(orphaned.stderr).toContain(`its program still runs as process ${pids[0]}`);

    const forced = await runCli(root, ["run", "--force", "--timeout", "1s", ...call.slice(1)], {
      env: { AEXP_GRACE_S: "0.2" },
    });
    expect(forced.exitCode).toBe(124);
    expect(pids.filter(isRunning)).toEqual([]);
    const { facts } = repo.runs.read(jobId).document;
    expect(facts.attempts?.map(({ n, status, reason }) => [n, status, reason?.code])).toEqual([
      [1, "failed", "lost"],
      [2, "failed", "timeout"],
    ]);
  });

  it("finds the program of a killed aexp by its environment when no record of it was left", async () => {
    const { root, repo } = await makeProject();
    const call = ["run", "--sp", "a=1", ...STUBBORN];
    const aexp = startAexp(root, call);
    const pids = await stubbornPids(aexp);
    const record = join(repo.runs.workspaceOf(onlyRun(repo)), ".aexp", "attempt-1", "process.json");
    aexp.child.kill("SIGKILL");
    await aexp.ended;
    rmSync(record);

    const orphaned = await runCli(root, call);
    for (const pid of pids) process.kill(pid, "SIGKILL");

    expect(orphaned.exitCode).toBe(75);
    expect(orphaned.stderr).toContain(`its program still runs as process ${pids[0]}`);
  });

  it("gives signs of life, and leaves the document alone meanwhile", async () => {
    const { root } = await makeProject();

    const { stdout } = await runCli(
      root,
      ["run", "--sp", "a=1", "--", process.execPath, join(PROGRAMS, "await-heartbeat.js")],
      { env: { AEXP_HEARTBEAT_S: "0.05" } },
    );

    expect(stdout).toBe("unchanged\n");
  });
});
