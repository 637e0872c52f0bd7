import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { isRunning } from "../helpers/aexp-process.ts";
import { jobIdOf, specOf } from "../helpers/attempt-spec.ts";
import { SERVE, TestSupervision, untilGroupGone } from "../helpers/supervision.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const PROGRAMS = join(import.meta.dirname, "..", "fixtures", "programs");

/** A line that leaves a process behind, in a session of its own, with the line's output. */
function leaveDaemon(line: string): string {
  // Until it has its own session it would be ended with the rest of the group.
  const isThere = '[ -s "$AEXP_JOB_WORKSPACE/pid" ]';
  return `setsid sh -c 'echo $$ > "$AEXP_JOB_WORKSPACE/pid"; ${line}' & until ${isThere}; do sleep 0.01; done; echo begun`;
}

describe("an attempt under a supervisor", () => {
  it("is on record before its command begins", async () => {
    const place = new TestSupervision();
    const attempt = await place.start(1, { line: 'cat "$AEXP_JOB_WORKSPACE/.aexp/attempt-1/process.json"; echo $$' });

    expect(await attempt.ended).toMatchObject({ cause: { kind: "exited", exitCode: 0 }, exitCode: 0, signal: null });
    const [, json = "", pid] = /^(.*\})\n(\d+)\n$/s.exec(place.log(1)) ?? [];
    expect(JSON.parse(json)).toMatchObject({
      pid: Number(pid),
      pgid: Number(pid),
      boot_id: expect.any(String),
      start_fingerprint: expect.any(String),
      worker: { pid: process.pid },
    });
    expect(attempt.process).toMatchObject({ pid: Number(pid) });
  });

  it("begins only when it may, and else leaves nothing that anybody could take for its beginning", async () => {
    const place = new TestSupervision();
    const isReady = Promise.withResolvers<boolean>();
    const line = 'echo begun > "$AEXP_JOB_WORKSPACE/begun"';
    for (const id of [1, 2, 3]) place.makeWorkspace(id);

    const waiting = place.supervisor.start(specOf(1, { line }), isReady.promise);
    const taken = await place.supervisor.start(specOf(2, { line }), Promise.resolve(false));
    const broken = await place.supervisor.start(specOf(3, { line }), Promise.reject(new Error("the disk is full")));

    expect(await Promise.all([taken.ended, broken.ended])).toMatchObject([
      { cause: { kind: "not_started" } },
      { cause: { kind: "not_started" } },
    ]);
    // The others are over, and this one still waits.
    expect([1, 2, 3].map((id) => place.supervisor.hasBegun(jobIdOf(id), 1))).toEqual([false, false, false]);
    isReady.resolve(true);
    expect(await (await waiting).ended).toMatchObject({ cause: { kind: "exited", exitCode: 0 } });
    expect([1, 2, 3].map((id) => place.text(id, "begun"))).toEqual(["begun\n", undefined, undefined]);
    expect([2, 3].map((id) => place.attemptFolder(id).readEnd())).toEqual([undefined, undefined]);
  });

  it("keeps what it prints, and how it ends", async () => {
    const place = new TestSupervision();

    const end = await place.run(1, { line: "printf out; printf '\\377err' >&2; exit 3" });

    expect(end).toMatchObject({ cause: { kind: "exited", exitCode: 3 }, exitCode: 3 });
    expect(place.log(1)).toBe("out");
    expect(readFileSync(place.path(1, ".aexp/attempt-1/stderr.log"))).toEqual(
      Buffer.from([0xff, ...Buffer.from("err")]),
    );
    expect(place.attemptFolder(1).readEnd()).toEqual(JSON.parse(JSON.stringify(end)));
  });

  it("knows who it is, and has nothing to read", async () => {
    const place = new TestSupervision();

    await place.run(1, {
      line: 'cat; echo "$AEXP_JOB_ID $AEXP_ATTEMPT $AEXP_JOB_WORKSPACE $AEXP_METRICS_FILE $AEXP_WORKER"',
    });

    const workspace = join(place.folder, jobIdOf(1));
    expect(place.log(1)).toBe(`${jobIdOf(1)} 1 ${workspace} ${workspace}/.aexp/metrics.jsonl worker-1\n`);
  });

  it("gets arguments and variables as they are, also those that no shell can name", async () => {
    const place = new TestSupervision();
    const argv = [
      process.execPath,
      "-p",
      'JSON.stringify([process.argv.slice(1), process.env["a.b"], process.env["c"]])',
    ];

    await place.run(1, { argv: [...argv, "", "a b", "$HOME", "*", "'", "\n"], env: { "a.b": "1 2", c: "\n" } });

    expect(JSON.parse(place.log(1))).toEqual([["", "a b", "$HOME", "*", "'", "\n"], "1 2", "\n"]);
  });

  it("tells the last value of its metrics", async () => {
    const place = new TestSupervision();
    const attempt = await place.start(1, {
      line: 'printf \'{"step":1}\\n{"step":2}\\nnoise\\n{"step":\' > "$AEXP_METRICS_FILE"; sleep 60',
    });

    await waitUntil("a metric", () => attempt.lastMetric());
    expect(attempt.lastMetric()).toEqual({ step: 2 });
    attempt.stop("kill");
  });

  it("is ended when it takes too long, with all that it started", async () => {
    const place = new TestSupervision();

    const end = await place.run(1, { line: 'sleep 61 & echo $! > "$AEXP_JOB_WORKSPACE/pid"; wait', timeoutMs: 300 });

    expect(end).toMatchObject({ cause: { kind: "timed_out", timeoutMs: 300 }, signal: "SIGTERM" });
    expect(isRunning(await place.pidOf(1, "pid"))).toBe(false);
  });

  it("takes along what it leaves running in its group", async () => {
    const place = new TestSupervision();

    const end = await place.run(1, { line: 'sleep 61 & echo $! > "$AEXP_JOB_WORKSPACE/pid"' });

    expect(end.cause).toEqual({ kind: "exited", exitCode: 0 });
    expect(isRunning(await place.pidOf(1, "pid"))).toBe(false);
  });

  it("does not wait for a daemon in another session, silent or not, that holds its output open", async () => {
    const place = new TestSupervision();

    const ends = await Promise.all([
      place.run(1, { line: leaveDaemon("exec sleep 62") }),
      place.run(2, { line: leaveDaemon("while echo more; do sleep 0.05; done") }),
    ]);

    expect(ends.map(({ cause }) => cause)).toEqual([
      { kind: "exited", exitCode: 0 },
      { kind: "exited", exitCode: 0 },
    ]);
    expect(place.log(1)).toBe("begun\n");
    process.kill(await place.pidOf(1, "pid"), "SIGKILL");
  });

  it("goes on when it closes its output early", async () => {
    const place = new TestSupervision();

    const end = await place.run(1, {
      line: 'exec >&- 2>&-; sleep 0.3; echo done > "$AEXP_JOB_WORKSPACE/done"; exit 4',
    });

    expect(end.exitCode).toBe(4);
    expect(place.text(1, "done")).toBe("done\n");
  });

  it("is lost to no other supervisor that works at the same time", async () => {
    const places = Array.from({ length: 3 }, () => new TestSupervision());
    const attempts = await Promise.all(places.map((place) => place.start(1, { line: "sleep 0.5; echo whole" })));
    const [first] = attempts;

    first?.stop("kill");

    const ends = await Promise.all(attempts.map((attempt) => attempt.ended));
    expect(ends.map(({ cause }) => cause.kind)).toEqual(["stopped", "exited", "exited"]);
    expect(places.slice(1).map((place) => place.log(1))).toEqual(["whole\n", "whole\n"]);
  });
});

describe("a stop", () => {
  it("comes through as soon as the attempt has started", async () => {
    const place = new TestSupervision();

    for (let id = 1; id <= 20; id += 1) {
      const attempt = await place.start(id, { line: "sleep 60" });
      attempt.stop(id % 2 === 0 ? "graceful" : "kill");
      const { cause } = await attempt.ended;
      expect(cause).toEqual({ kind: "stopped", by: "SIGTERM" });
    }
  });

  it("ends a program and its grandchildren that ignore TERM, after the grace", async () => {
    const place = new TestSupervision();
    const attempt = await place.start(1, {
      argv: [process.execPath, join(PROGRAMS, "stubborn.js")],
      graceMs: 500,
    });
    const pids = await waitUntil("two processes", () => {
      const lines = place.log(1).split("\n").slice(0, -1);
      return lines.length === 2 && lines.map(Number);
    });
    const askedMs = performance.now();

    attempt.stop("graceful");
    attempt.stop("graceful");
    const end = await attempt.ended;

    expect(performance.now() - askedMs).toBeGreaterThan(450);
    // Nobody has waited for the programs, which sleep for a minute.
    expect(performance.now() - askedMs).toBeLessThan(20_000);
    expect(end).toMatchObject({ cause: { kind: "stopped" }, signal: "SIGKILL" });
    expect(pids.filter(isRunning)).toEqual([]);
  });

  it("kills at once when it is asked so after a graceful one", async () => {
    const place = new TestSupervision();
    const attempt = await place.start(1, { line: "trap '' TERM; echo ready; sleep 60; sleep 60", graceMs: 60_000 });
    await waitUntil("the trap", () => place.log(1) === "ready\n");

    attempt.stop("graceful");
    attempt.stop("kill");

    expect(await attempt.ended).toMatchObject({ cause: { kind: "stopped" }, signal: "SIGKILL" });
  });

  it("changes nothing after the program's end", async () => {
    const place = new TestSupervision();
    const attempt = await place.start(1, { line: "exit 0" });
    const { process: record } = attempt;
    if (record === undefined) throw new Error("it did not start");
    await untilGroupGone(record.pgid);

    attempt.stop("graceful");
    attempt.stop("kill");

    expect((await attempt.ended).cause).toEqual({ kind: "exited", exitCode: 0 });
    attempt.stop("kill");
    expect(place.attemptFolder(1).readEnd()?.cause).toEqual({ kind: "exited", exitCode: 0 });
  });
});

describe("what cannot be started", () => {
  it("says why, and is no failure of the supervisor", async () => {
    const place = new TestSupervision();
    const text = join(place.folder, "no-program");
    writeFileSync(text, "");
    chmodSync(text, 0o644);
    const problems: Record<string, unknown> = {};
    const cases = {
      unknown: { argv: ["no-such-program"] },
      absent: { argv: ["./nothing"] },
      empty: { argv: [""] },
      unexecutable: { argv: [text] },
      folder: { argv: ["/tmp"] },
      line: { argv: ["echo hello"] },
      cwd: { cwd: join(place.folder, "gone") },
      shellCwd: { argv: ["true"], cwd: join(place.folder, "gone") },
      huge: { argv: ["echo", "x".repeat(4 * 1024 * 1024)] },
    };

    for (const [id, [name, given]] of Object.entries(cases).entries()) {
      const attempt = await place.start(id, given);
      expect(attempt.process).toBeUndefined();
      const { cause } = await attempt.ended;
      problems[name] = cause.kind === "not_started" ? cause.problem.replaceAll(place.folder, "") : cause;
    }

    expect(problems).toEqual({
      unknown: 'there is no program "no-such-program" (ENOENT)',
      absent: 'there is no program "./nothing" (ENOENT)',
      empty: 'there is no program "" (ENOENT)',
      unexecutable: '"/no-program" may not be executed (EACCES)',
      folder: '"/tmp" may not be executed (EACCES)',
      line: 'there is no program "echo hello" (ENOENT): arguments are words of their own, and for a whole line there is sh -c',
      cwd: 'the folder "/gone" is gone (ENOENT)',
      shellCwd: 'the folder "/gone" is gone (ENOENT)',
      huge: expect.stringContaining("E2BIG"),
    });
    expect((await place.run(99)).exitCode).toBe(0);
  });

  it("keeps what was to be executed, with which it can be told and repeated", async () => {
    const place = new TestSupervision();

    await Promise.all([place.run(1, { argv: ["no-such-program", "a"] }), place.run(2, { line: "true", cwd: "/gone" })]);

    const recorded = [1, 2].map((id) => JSON.parse(place.text(id, ".aexp/attempt-1/command.json") ?? "{}"));
    expect(recorded).toMatchObject([{ argv: ["no-such-program", "a"] }, { cwd: "/gone" }]);
  });

  it("says so when the run's folder is gone, and does not make it again", async () => {
    const place = new TestSupervision();

    const attempt = await place.supervisor.start(specOf(1));

    expect(attempt.process).toBeUndefined();
    const problem = `the run's folder ${JSON.stringify(join(place.folder, jobIdOf(1)))} is gone (ENOENT)`;
    expect((await attempt.ended).cause).toEqual({ kind: "not_started", problem });
    expect(existsSync(join(place.folder, jobIdOf(1)))).toBe(false);
  });

  it("says so when the run's folder is none that can be written to", async () => {
    const place = new TestSupervision();
    writeFileSync(join(place.folder, jobIdOf(1)), "a file where the folder should be");

    const attempt = await place.start(1);

    expect(attempt.process).toBeUndefined();
    expect((await attempt.ended).cause).toMatchObject({
      kind: "not_started",
      problem: expect.stringMatching(/ENOTDIR|EEXIST/),
    });
  });

  it("says so when there is no supervisor", async () => {
    const place = new TestSupervision(tempDir(), [join(tempDir(), "nothing")]);

    const attempt = await place.start(1);

    expect(attempt.process).toBeUndefined();
    expect((await attempt.ended).cause).toMatchObject({ kind: "lost", problem: expect.stringContaining("ENOENT") });
  });

  it("is never begun by two, nor after it was given up", async () => {
    const place = new TestSupervision();
    mkdirSync(join(place.folder, jobIdOf(1)));
    expect(place.supervisor.adopt(jobIdOf(1), 1)).toBeUndefined();

    const given = await place.run(1, { line: 'touch "$AEXP_JOB_WORKSPACE/begun"' });
    const first = await place.start(2, { line: "echo once; sleep 0.3" });
    const second = await place.run(2, { line: "echo twice" });

    const cause = { kind: "not_started", problem: "the attempt was given up before it began" };
    expect([given.cause, second.cause]).toEqual([cause, cause]);
    expect(existsSync(place.path(1, "begun"))).toBe(false);
    expect((await first.ended).exitCode).toBe(0);
    expect(place.log(2)).toBe("once\n");
  });
});

describe("leaving a supervisor", () => {
  it("lets what still runs go on", async () => {
    const place = new TestSupervision();
    const own = await place.start(9, { line: "sleep 0.5; echo whole" });

    await place.supervisor[Symbol.asyncDispose]();

    expect((await own.ended).cause).toEqual({ kind: "exited", exitCode: 0 });
    expect(place.log(9)).toBe("whole\n");
    const { supervisor } = await place.supervision(9);
    await waitUntil("the end of the supervisor", () => !isRunning(supervisor.pid));
  });
});

it("knows how much may still be written", () => {
  const place = new TestSupervision();

  expect(place.supervisor.freeBytes(place.folder)).toBeGreaterThan(0);
  expect(place.supervisor.freeBytes(join(place.folder, "nowhere"))).toBeUndefined();
});

it("has nothing to do without a worker, and says so", () => {
  const { status, stderr } = spawnSync(process.execPath, SERVE.slice(1), { encoding: "utf8" });

  expect(status).toBe(2);
  expect(stderr).toContain("no worker started it");
});
