import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import { findGroupByEnvironment, identifyProcess } from "../../src/executor/local/process-identity.ts";
import { isRunning } from "../helpers/aexp-process.ts";
import { jobIdOf } from "../helpers/attempt-spec.ts";
import { startWorker, TestSupervision, untilGroupGone } from "../helpers/supervision.ts";
import { waitUntil } from "../helpers/wait-until.ts";

/** As `startWorker` has it. */
const GRACE_MS = 1000;
const SEED = 20260301;
/** Prints a line, waits for the test, prints another one, and would show that it was begun twice. */
const PATIENT =
  'echo begun; echo x >> "$AEXP_JOB_WORKSPACE/begun"; until [ -e "$AEXP_JOB_WORKSPACE/../go" ]; do sleep 0.05; done; echo whole; exit 7';

function letGo(place: TestSupervision): void {
  spawn("touch", [`${place.folder}/go`]);
}

describe("when the worker is killed", () => {
  it("the program goes on, its log is whole and its end on record, and the supervisor leaves with the last", async () => {
    const place = new TestSupervision();
    const worker = startWorker(place.folder, [PATIENT, `${PATIENT}; sleep 0.5`]);
    await worker.untilStarted();
    const { supervisor, program } = await place.supervision(0);

    await worker.kill();
    await waitUntil("the program's first words", () => place.log(0) === "begun\n");
    expect([supervisor.pid, program.pid].every(isRunning)).toBe(true);
    letGo(place);
    await waitUntil("the end of the supervisor", () => !isRunning(supervisor.pid));

    expect(place.attemptFolder(0).readEnd()).toMatchObject({ cause: { kind: "exited", exitCode: 7 } });
    expect(place.attemptFolder(1).readEnd()).toMatchObject({ cause: { kind: "exited", exitCode: 7 } });
    expect([place.log(0), place.log(1)]).toEqual(["begun\nwhole\n", "begun\nwhole\n"]);
  });

  it("what it had not let begin never does, and the next one is free to settle that", async () => {
    const place = new TestSupervision();
    const worker = startWorker(place.folder, ['held; echo x > "$AEXP_JOB_WORKSPACE/begun"']);
    const log = place.path(0, ".aexp/attempt-1/stdout.log");
    await waitUntil("the attempt's folder", () => existsSync(log));

    await worker.kill();

    // To ask gives it up, and only an attempt that has not begun can be given up.
    const line = `AEXP_JOB_WORKSPACE=${join(place.folder, jobIdOf(0))}`;
    await waitUntil("the end of its gate", () => findGroupByEnvironment(line) === undefined);
    expect(place.supervisor.adopt(jobIdOf(0), 1)).toBeUndefined();
    expect(place.attemptFolder(0).readProcess()).toBeUndefined();
    expect(place.attemptFolder(0).readEnd()).toBeUndefined();
    expect(place.text(0, "begun")).toBeUndefined();
  });

  it("the next one adopts what still runs", async () => {
    const place = new TestSupervision();
    const worker = startWorker(place.folder, [PATIENT]);
    await worker.untilStarted();
    const { program, supervisor } = await place.supervision(0);
    expect(place.supervisor.adopt(jobIdOf(0), 1)).toBeUndefined(); // its own worker lives
    await worker.kill();

    const adopted = place.supervisor.adopt(jobIdOf(0), 1);
    expect(adopted?.process).toEqual(program);
    await waitUntil(
      "the new worker in the record",
      async () => (await place.supervision(0)).worker.pid === process.pid,
    );
    letGo(place);

    expect(await adopted?.ended).toMatchObject({ cause: { kind: "exited", exitCode: 7 } });
    expect(place.text(0, "begun")).toBe("x\n");
    const ended = place.supervisor.adopt(jobIdOf(0), 1);
    expect(ended?.process).toEqual(program);
    expect(await ended?.ended).toEqual(place.attemptFolder(0).readEnd());
    await waitUntil("the end of the supervisor", () => !isRunning(supervisor.pid));
  });

  it("and the one that adopted, too, a third one adopts", async () => {
    const place = new TestSupervision();
    const worker = startWorker(place.folder, [PATIENT]);
    await worker.untilStarted();
    await worker.kill();
    const between = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    const supervision = await place.supervision(0);
    const pid = between.pid ?? 0;
    const second = identifyProcess(pid, pid) ?? supervision.worker;
    await place.attemptFolder(0).writeSupervision({ ...supervision, worker: second });
    expect(place.supervisor.adopt(jobIdOf(0), 1)).toBeUndefined();
    between.kill("SIGKILL");
    await once(between, "exit");

    const adopted = place.supervisor.adopt(jobIdOf(0), 1);
    letGo(place);

    expect((await adopted?.ended)?.exitCode).toBe(7);
  });

  it.for(["graceful", "kill"] as const)("what was adopted can be stopped (%s)", async (mode) => {
    const place = new TestSupervision();
    const worker = startWorker(place.folder, ["trap '' TERM; sleep 60 & sleep 60; sleep 60"]);
    await worker.untilStarted();
    await worker.kill();
    const adopted = place.supervisor.adopt(jobIdOf(0), 1);
    const askedMs = performance.now();

    adopted?.stop(mode);
    adopted?.stop(mode);

    expect(await adopted?.ended).toMatchObject({ cause: { kind: "stopped", by: "SIGTERM" }, signal: "SIGKILL" });
    expect(performance.now() - askedMs).toBeLessThan(GRACE_MS + 20_000);
    await untilGroupGone(adopted?.process?.pgid ?? 0);
    adopted?.stop("kill");
    expect(place.attemptFolder(0).readEnd()?.cause).toEqual({ kind: "stopped", by: "SIGTERM" });
  });

  it("at any moment, each of its attempts has begun under a supervisor and ends well, or never begins", async () => {
    const place = new TestSupervision();
    const count = 4;
    let state = SEED;
    let adoptions = 0;
    const never: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const firstId = 100 * (round + 1);
      const line = 'echo x >> "$AEXP_JOB_WORKSPACE/begun"; sleep 0.3; echo whole';
      const worker = startWorker(
        place.folder,
        Array.from({ length: count }, () => line),
        firstId,
      );
      // By turns while they are being made, when all of them may never begin, and while they begin.
      const sign = round % 2 === 0 ? ".aexp/attempt-1" : ".aexp/attempt-1/process.json";
      await waitUntil("the first sign", () => existsSync(place.path(firstId, sign)));
      await sleep((state / 2 ** 32) * 15);
      await worker.kill();

      for (let id = firstId; id < firstId + count; id += 1) {
        const adopted = place.supervisor.adopt(jobIdOf(id), 1);
        if (adopted === undefined) {
          never.push(id);
          continue;
        }
        adoptions += 1;
        expect((await adopted.ended).cause).toEqual({ kind: "exited", exitCode: 0 });
        expect([place.text(id, "begun"), place.log(id)]).toEqual(["x\n", "whole\n"]);
      }
    }
    expect(never.filter((id) => place.text(id, "begun") !== undefined)).toEqual([]);
    // Otherwise this test would prove nothing.
    expect(adoptions).toBeGreaterThan(0);
  });
});

describe("when the supervisor is killed", () => {
  it("the worker learns it at once, its programs are ended, and the next start begins with a new one", async () => {
    const place = new TestSupervision();
    const line = 'trap "" TERM; sleep 60 & echo $! > "$AEXP_JOB_WORKSPACE/pid"; echo said; sleep 60';
    const attempts = await Promise.all([1, 2, 3].map((id) => place.start(id, { line, graceMs: 200 })));
    await waitUntil("all programs' words", () => [1, 2, 3].every((id) => place.log(id) === "said\n"));
    const { supervisor } = await place.supervision(1);
    const killedMs = performance.now();

    process.kill(supervisor.pid, "SIGKILL");
    const ends = await Promise.all(attempts.map((attempt) => attempt.ended));

    expect(performance.now() - killedMs).toBeLessThan(200 + 20_000);
    expect(ends.map(({ cause }) => cause)).toEqual(
      [1, 2, 3].map(() => ({ kind: "lost", problem: "its supervisor died" })),
    );
    expect(attempts.every((attempt) => attempt.process !== undefined && !isRunning(attempt.process.pid))).toBe(true);
    for (const id of [1, 2, 3]) expect(isRunning(await place.pidOf(id, "pid"))).toBe(false);
    expect((await place.run(4)).exitCode).toBe(0);
    expect((await place.supervision(4)).supervisor.pid).not.toBe(supervisor.pid);
  });

  it("an end that it had recorded counts", async () => {
    const place = new TestSupervision();
    const attempt = await place.start(1, { line: "exit 5" });
    const { supervisor } = await place.supervision(1);
    await waitUntil("the end on record", () => place.attemptFolder(1).readEnd());

    process.kill(supervisor.pid, "SIGKILL");

    expect((await attempt.ended).exitCode).toBe(5);
  });

  it("at any moment, no program is left and no start hangs", async () => {
    const place = new TestSupervision();
    let state = SEED;
    const pids: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const first = await place.start(1000 + round, { line: "sleep 60", graceMs: 100 });
      const { supervisor } = await place.supervision(1000 + round);
      const starts = Array.from({ length: 6 }, (_, n) =>
        place.start(10 * (round + 1) + n, { line: 'echo $$ >> "$AEXP_JOB_WORKSPACE/../pids"; sleep 60', graceMs: 100 }),
      );
      await sleep((state / 2 ** 32) * 25);
      process.kill(supervisor.pid, "SIGKILL");

      const attempts = [first, ...(await Promise.all(starts))];
      const ends = await Promise.all(attempts.map((attempt) => attempt.ended));
      expect(new Set(ends.map(({ cause }) => cause.kind))).toEqual(new Set(["lost"]));
      pids.push(...attempts.flatMap((attempt) => attempt.process?.pid ?? []));
    }
    const begun = (place.text(0, "../pids") ?? "").split("\n").slice(0, -1).map(Number);
    expect([...pids, ...begun].filter(isRunning)).toEqual([]);
  });
});

describe("when worker and supervisor are killed", () => {
  it("the next worker knows that the attempt is lost, and whom to end", async () => {
    const place = new TestSupervision();
    const worker = startWorker(place.folder, ["sleep 60"]);
    await worker.untilStarted();
    const { program, supervisor } = await place.supervision(0);
    await worker.kill();

    process.kill(supervisor.pid, "SIGKILL");
    await waitUntil("the end of the supervisor", () => !isRunning(supervisor.pid));

    expect(place.supervisor.adopt(jobIdOf(0), 1)).toBeUndefined();
    expect(place.attemptFolder(0).readProcess()).toMatchObject(program);
    process.kill(-program.pgid, "SIGKILL");
  });

  it("an attempt that was adopted is ended and lost", async () => {
    const place = new TestSupervision();
    const worker = startWorker(place.folder, ["trap '' TERM; sleep 60 & sleep 60; sleep 60"]);
    await worker.untilStarted();
    const { program, supervisor } = await place.supervision(0);
    await worker.kill();
    const adopted = place.supervisor.adopt(jobIdOf(0), 1);

    process.kill(supervisor.pid, "SIGKILL");

    expect(await adopted?.ended).toMatchObject({ cause: { kind: "lost" }, exitCode: null });
    expect(isRunning(program.pid)).toBe(false);
  });

  it("a process that got the program's number meanwhile is left alone", async () => {
    const place = new TestSupervision();
    const worker = startWorker(place.folder, ["sleep 60"]);
    await worker.untilStarted();
    const supervision = await place.supervision(0);
    await worker.kill();
    const stranger = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
    const pid = stranger.pid ?? 0;
    const recycled = { ...supervision.program, pid, pgid: pid };
    await place.attemptFolder(0).writeSupervision({ ...supervision, program: recycled });
    const adopted = place.supervisor.adopt(jobIdOf(0), 1);

    adopted?.stop("graceful");
    adopted?.stop("kill");
    process.kill(supervision.supervisor.pid, "SIGKILL");

    expect((await adopted?.ended)?.cause.kind).toBe("lost");
    expect(isRunning(pid)).toBe(true);
    process.kill(-supervision.program.pgid, "SIGKILL");
    stranger.kill("SIGKILL");
  });
});

it("leaves at once when its worker is killed while there is nothing to do", async () => {
  const place = new TestSupervision();
  const worker = startWorker(place.folder, ["true"]);
  await waitUntil("the end of the attempt", () => worker.printed().includes("ended exited"));
  const { supervisor } = await place.supervision(0);

  await worker.kill();

  const isGone = waitUntil("the end of the supervisor", () => !isRunning(supervisor.pid));
  await expect(isGone).resolves.toBe(true);
});

it.for(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
  "is not ended by %s, which is meant for the programs",
  async (signal) => {
    const place = new TestSupervision();
    const attempt = await place.start(1, { line: "sleep 0.3; echo whole" });
    const { supervisor } = await place.supervision(1);

    process.kill(supervisor.pid, signal);

    expect((await attempt.ended).cause).toEqual({ kind: "exited", exitCode: 0 });
    expect(place.log(1)).toBe("whole\n");
  },
);
