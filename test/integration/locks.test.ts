import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import { holdLock } from "../../src/app/hold-lock.ts";
import type { Repo } from "../../src/app/repo.ts";
import type { CommandEnd } from "../../src/executor/command.ts";
import { systemClock } from "../../src/platform/system-clock.ts";
import type { QueueStore } from "../../src/queue/queue-store.ts";
import { openQueue } from "../../src/wiring/open-queue.ts";
import { type AexpProcess, isRunning, startAexp } from "../helpers/aexp-process.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { makeProject } from "../helpers/project.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const STUBBORN = [process.execPath, join(import.meta.dirname, "..", "fixtures", "programs", "stubborn.js")];
/** Says when it began and in which hold, and lasts until it is ended. */
const LASTING = ["sh", "-c", 'echo "$AEXP_LOCK_FENCE $$"; exec sleep 600'];

/** The number of the hold, and the process of its command, once it has begun. */
async function begun(aexp: AexpProcess): Promise<{ readonly fence: number; readonly pid: number }> {
  return await waitUntil("the command under the lock", () => {
    const [, fence, pid] = /^(\d+) (\d+)\n/.exec(aexp.printed.stdout) ?? [];
    return pid !== undefined && { fence: Number(fence), pid: Number(pid) };
  });
}

async function withQueue<T>(repo: Repo, work: (store: QueueStore) => Promise<T>): Promise<T> {
  await using store = await openQueue(repo);
  return await work(store);
}

describe("aexp lock hold", () => {
  it("gives the command its streams, and ends as it does", async () => {
    const { root } = await makeProject();
    const aexp = startAexp(root, [
      "lock",
      "hold",
      "db",
      "--",
      "sh",
      "-c",
      'echo "$AEXP_LOCK_KEY"; echo no >&2; exit 7',
    ]);

    expect(await aexp.ended).toMatchObject({ exitCode: 7 });
    expect(aexp.printed).toEqual({ stdout: "db\n", stderr: "no\n" });
    expect(await runCliJson(root, ["lock", "list"])).toEqual([]);
  });

  it("prints one document with --json, and passes signals and missing programs on as a shell does", async () => {
    const { root } = await makeProject();
    const json = startAexp(root, ["lock", "hold", "db", "--json", "--", "sh", "-c", "echo out; kill -9 $$"]);
    const missing = startAexp(root, ["lock", "hold", "other", "--", "no-such-program"]);

    expect(await json.ended).toMatchObject({ exitCode: 137 });
    expect(JSON.parse(json.printed.stdout)).toMatchObject({ key: "db", fence: 1, exit_code: 137 });
    expect(json.printed.stderr).toBe("out\n");
    expect(await missing.ended).toMatchObject({ exitCode: 127 });
    expect(missing.printed.stderr).toContain("no-such-program");
  });

  it("never lets two commands work at the same time, whatever they call the file", async () => {
    const { root } = await makeProject();
    mkdirSync(join(root, "sub"));
    const log = join(root, "log");
    const keys = ["./data.db", join(root, "data.db"), "../data.db", "./sub/../data.db"];
    const places = [root, root, join(root, "sub"), root];
    const script = `echo "begin" >> '${log}'; sleep 0.05; echo "end $AEXP_LOCK_FENCE" >> '${log}'`;
    const all = keys.map((key, n) => startAexp(places[n] ?? root, ["lock", "hold", key, "--", "sh", "-c", script]));
    for (const aexp of all) expect(await aexp.ended).toMatchObject({ exitCode: 0 });

    expect(readFileSync(log, "utf8")).toBe([1, 2, 3, 4].map((fence) => `begin\nend ${fence}\n`).join(""));
  });

  it("fails at once with --wait 0, and in time with another, naming holder, kind and since", async () => {
    const { root } = await makeProject();
    const holder = startAexp(root, ["lock", "hold", "db", "--", ...LASTING]);
    await begun(holder);

    const first = await runCli(root, ["lock", "hold", "db", "--wait", "0", "--", "true"]);
    expect(first.exitCode).toBe(75);
    expect(first.stderr).toMatch(
      new RegExp(`"db" is held by a command since \\d{4}-\\S+Z: \\S+ on \\S+, pid ${holder.pid}, sh -c`),
    );
    const startMs = performance.now();
    const second = await runCli(root, ["lock", "hold", "db", "--wait", "300ms", "--json", "--", "true"]);
    expect(performance.now() - startMs).toBeGreaterThan(290);
    expect(second.exitCode).toBe(75);
    expect(JSON.parse(second.stdout)).toMatchObject({ error: { code: "lock.busy" } });
    expect(second.stderr).toContain("waiting for db, held by a command since");
  });

  it("goes on waiting until the lock is free, and can be told to stop waiting", async () => {
    const { root } = await makeProject();
    const holder = startAexp(root, ["lock", "hold", "db", "--", ...LASTING]);
    await begun(holder);
    const patient = startAexp(root, ["lock", "hold", "db", "--", ...LASTING]);
    const stopped = startAexp(root, ["lock", "hold", "db", "--json", "--", ...LASTING]);
    for (const { printed } of [patient, stopped]) {
      await waitUntil("both to wait", () => printed.stderr.includes("waiting for db"));
    }

    stopped.child.kill("SIGINT");
    expect(await stopped.ended).toMatchObject({ exitCode: 130 });
    expect(JSON.parse(stopped.printed.stdout)).toEqual({ key: "db", fence: null, waited_s: null, exit_code: 130 });
    holder.child.kill("SIGTERM");
    expect(await holder.ended).toMatchObject({ exitCode: 130 });
    expect(await begun(patient)).toMatchObject({ fence: 2 });
  });

  it("is renewed for as long as the command works", async () => {
    const { root, repo } = await makeProject();
    const holder = startAexp(root, ["lock", "hold", "db", "--ttl", "1s", "--", ...LASTING]);
    await begun(holder);
    await withQueue(repo, async (store) => {
      const [before] = await store.locks();
      const later = await waitUntil("several renewals", async () => {
        const [lock] = await store.locks();
        return lock !== undefined && lock.expiresAt > (before?.expiresAt ?? 0) + 1500 && lock;
      });
      expect(later).toMatchObject({ fence: 1, acquiredAt: before?.acquiredAt });
    });
  });

  it("ends the command and all that it started when the lock is taken away", async () => {
    const { root, repo } = await makeProject();
    const aexp = startAexp(root, ["lock", "hold", "db", "--ttl", "1s", "--", ...STUBBORN], { AEXP_GRACE_S: "0.2" });
    const pids = await waitUntil("both processes", () => {
      const found = aexp.printed.stdout.trim().split("\n").map(Number);
      return found.length === 2 && found;
    });

    const refused = await runCli(root, ["lock", "release", "db"]);
    expect(refused).toMatchObject({ exitCode: 75, stderr: expect.stringContaining(`pid ${aexp.pid}`) });
    const broken = await runCliJson(root, ["lock", "release", "db", "--force"]);
    expect(broken).toMatchObject({ key: "db", outcome: "broken", from: { kind: "command", fence: 1 } });

    expect(await aexp.ended).toMatchObject({ exitCode: 75 });
    expect(aexp.printed.stderr).toContain('error: the lock on "db" was lost: somebody took it away');
    expect(pids.filter(isRunning)).toEqual([]);
    await withQueue(repo, async (store) => {
      expect(await store.events(0, 100)).toMatchObject([
        { kind: "lock.broken", data: { key: "db", holderKind: "cli", note: expect.stringContaining("stubborn") } },
      ]);
    });
    expect(await runCliJson(root, ["lock", "release", "db", "--force"])).toEqual({ key: "db", outcome: "free" });
  });

  it("says so when it was lost although the command had succeeded", async () => {
    const { root } = await makeProject();
    const aexp = startAexp(root, [
      "lock",
      "hold",
      "db",
      "--ttl",
      "1h",
      "--",
      "sh",
      "-c",
      "until test -e go; do sleep 0.02; done",
    ]);
    await waitUntil("the lock", async () => (await runCli(root, ["lock", "list"])).stdout.includes("db"));
    await runCli(root, ["lock", "release", "db", "--force"]);
    writeFileSync(join(root, "go"), "");

    expect(await aexp.ended).toMatchObject({ exitCode: 75 });
    expect(aexp.printed.stderr).toContain("The command ended with exit 0");
  });

  it("passes to the next one with a higher number after its holder was killed", async () => {
    const { root } = await makeProject();
    const dead = startAexp(root, ["lock", "hold", "db", "--ttl", "1s", "--", ...LASTING]);
    const { pid } = await begun(dead);
    dead.child.kill("SIGKILL");
    const next = startAexp(root, ["lock", "hold", "db", "--", ...LASTING]);

    expect(await begun(next)).toMatchObject({ fence: 2 });
    process.kill(pid, "SIGKILL");
  });

  it("notices after a long pause that somebody else has it", async () => {
    const { root } = await makeProject();
    const paused = startAexp(root, ["lock", "hold", "db", "--ttl", "1s", "--", ...LASTING]);
    const { pid } = await begun(paused);
    paused.child.kill("SIGSTOP");
    const next = startAexp(root, ["lock", "hold", "db", "--", ...LASTING]);
    await begun(next);
    paused.child.kill("SIGCONT");

    expect(await paused.ended).toMatchObject({ exitCode: 75 });
    expect(isRunning(pid)).toBe(false);
    expect(await runCliJson(root, ["lock", "list"])).toMatchObject([{ key: "db", fence: 2 }]);
  });

  it("is kept until nothing of the command is left", async () => {
    const { root } = await makeProject();
    const script =
      "(trap '' TERM; while :; do sleep 0.05; date >> alive; done) & echo $!; until test -e alive; do sleep 0.02; done";
    const aexp = startAexp(root, ["lock", "hold", "db", "--", "sh", "-c", script], { AEXP_GRACE_S: "0.5" });
    const child = await waitUntil("the child", () => Number(aexp.printed.stdout) || undefined);

    await waitUntil("the child at work", () => existsSync(join(root, "alive")));
    expect(await runCliJson(root, ["lock", "list"])).toMatchObject([{ key: "db" }]);
    expect(await aexp.ended).toMatchObject({ exitCode: 0 });
    expect(isRunning(child)).toBe(false);
  });

  it("gives the lock back on Ctrl-C, and kills at once on the second", async () => {
    const { root } = await makeProject();
    const aexp = startAexp(root, ["lock", "hold", "db", "--", ...STUBBORN], { AEXP_GRACE_S: "300" });
    const pids = await waitUntil("both processes", () => {
      const found = aexp.printed.stdout.trim().split("\n").map(Number);
      return found.length === 2 && found;
    });
    await waitUntil("their end", async () => {
      if (!pids.some(isRunning)) return true;
      aexp.child.kill("SIGINT");
      await sleep(200);
      return false;
    });
    const { exitCode } = await aexp.ended;

    expect(exitCode).toBe(130);
    expect(await runCliJson(root, ["lock", "list"])).toEqual([]);
  });

  it("ends the command in time when the lock cannot be renewed", async () => {
    const stops: number[] = [];
    const ended = Promise.withResolvers<CommandEnd>();
    const held = holdLock(
      {
        clock: systemClock,
        warn: () => undefined,
        store: {
          acquireLock: async () => ({ kind: "held", fence: 1, expiresAt: 0 }),
          waitForChange: async () => false,
          renewLock: async () => await Promise.reject(new Error("no database")),
          releaseLock: async () => await Promise.reject(new Error("no database")),
        },
      },
      {
        key: "db",
        holder: "me",
        note: "me",
        ttlMs: 2000,
        waitMs: 0,
        graceMs: 60_000,
        onWait: () => undefined,
        signal: new AbortController().signal,
      },
      () => ({
        ended: ended.promise,
        stop(graceMs) {
          stops.push(graceMs);
          ended.resolve({ cause: { kind: "signalled", signal: "SIGTERM" }, outputTail: "" });
        },
      }),
    );

    await expect(held).rejects.toThrow('the lock on "db" was lost: it could not be renewed (no database)');
    expect(stops).toHaveLength(1);
    expect(stops[0]).toBeLessThanOrEqual(500);
  });

  it.each([
    [["lock", "hold", "db"], "there is no command"],
    [["lock", "hold", "db", "true"], '"true" stands where flags of aexp are expected'],
    [["lock", "hold", "db", "--ttl", "10ms", "--", "true"], "shorter than a second"],
    [["lock", "hold", "db", "--wait", "soon", "--", "true"], "is not a duration"],
    [["lock", "hold", " ", "--", "true"], "is no key of a resource"],
  ])("refuses %j", async (argv, message) => {
    const { root } = await makeProject();
    expect(await runCli(root, argv)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(message) });
  });
});

describe("aexp lock acquire and release", () => {
  it("takes a lock that lasts for a while, prolongs it, and gives it back", async () => {
    const { root, repo } = await makeProject();
    const { stdout } = await runCli(root, ["lock", "acquire", "db", "--ttl", "1m"]);
    const holder = stdout.trim();
    expect(await runCli(root, ["lock", "acquire", "db", "--ttl", "1m", "--wait", "0"])).toMatchObject({ exitCode: 75 });

    const [first] = await withQueue(repo, (store) => store.locks());
    const again = await runCliJson(root, ["lock", "acquire", "db", "--ttl", "1h", "--holder", holder]);
    expect(again).toMatchObject({ key: "db", holder, fence: 1 });
    const [prolonged] = await withQueue(repo, (store) => store.locks());
    expect((prolonged?.expiresAt ?? 0) - (first?.expiresAt ?? 0)).toBeGreaterThan(3_000_000);

    expect(await runCli(root, ["lock", "release", "db", "--holder", "me"])).toMatchObject({ exitCode: 75 });
    expect((await runCli(root, ["lock", "release", "db", "--holder", holder])).stdout).toBe("released db\n");
    expect((await runCli(root, ["lock", "release", "db", "--holder", holder])).stdout).toBe("nobody holds db\n");
  });

  it("lists locks on a screen, and makes no database for that", async () => {
    const { root } = await makeProject();
    expect((await runCli(root, ["lock", "list"])).stdout).toBe("no locks are held\n");
    expect((await runCli(root, ["lock", "release", "db"])).stdout).toBe("nobody holds db\n");
    expect(existsSync(join(root, ".aexp", "state"))).toBe(false);

    await runCli(root, ["lock", "acquire", "./da\u001b[2Jta", "--ttl", "1m"]).catch(() => undefined);
    await runCli(root, ["lock", "acquire", "gpu-0", "--ttl", "1m"]);
    const { stdout } = await runCli(root, ["lock", "list"], { isTTY: true, columns: 100 });
    expect(stdout).toMatch(/key +kind +held by +fence +since +expires\n/);
    expect(stdout).toMatch(
      /gpu-0 +command +\S+ on \S+, aexp lock acquire +1 +(?:just now|\d s ago) +in (?:1 min|\d+ s)\n/,
    );
    expect(stdout).not.toContain("\u001b[2J");
  });
});
