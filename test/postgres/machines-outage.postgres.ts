import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, it, onTestFinished } from "vitest";

import type { QueueStore } from "../../src/queue/queue-store.ts";
import { readAllEvents } from "../contract/model-state.ts";
import { isRunning } from "../helpers/aexp-process.ts";
import { ledgerIds } from "../helpers/clones.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { untilTold } from "../helpers/worker-process.ts";
import { makeMachines } from "./machine.ts";
import { Proxy } from "./proxy.ts";
import { TestServer } from "./test-server.ts";

/** A log that runs of several machines share, and what a run says in it. */
function makeLog(): { readonly path: string; readonly lines: () => readonly string[] } {
  const path = join(tempDir(), "log");
  writeFileSync(path, "");
  return { path, lines: () => readFileSync(path, "utf8").split("\n").slice(0, -1) };
}

/** A run that says in a log that it begins and ends. */
function line(log: string): string {
  return `echo begin >> '${log}'; sleep 0.05; echo end >> '${log}'; : {seed}`;
}

async function countEvents(store: QueueStore): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const { kind } of await readAllEvents(store)) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

describe("machines whose server is killed in the middle of their work", () => {
  it("go on when it is back: each run is executed once, under caps and locks, and groups end once", async () => {
    const server = await TestServer.make();
    onTestFinished(async () => await server.remove());
    await server.start();
    const { one, two } = await makeMachines({ one: server.url, two: server.url });
    await one.aexp("lane", "set", "gpu", "--max-running", "1");
    const [capped, locked] = [makeLog(), makeLog()];
    await one.add("seed=0..4", line(capped.path), "--lane", "gpu");
    await two.add("seed=5..9", line(capped.path), "--lane", "gpu");
    await one.add("seed=20..24", line(locked.path), "--resource", "license");
    await two.add("seed=25..29", line(locked.path), "--resource", "license");
    // Nobody may take anybody for dead however long the server is away.
    const env = { AEXP_LEASE_S: "600" };
    const workers = [one.work({ env, pools: "*=3" }), two.work({ env, pools: "*=3" })];

    for (const share of [6, 16, 26]) {
      await waitUntil(`${share} lines`, () => capped.lines().length + locked.lines().length >= share);
      await server.kill();
      await server.start();
    }

    for (const worker of workers) {
      expect({ ...(await worker.ended), stderr: worker.printed.stderr }).toMatchObject({ exitCode: 0, stderr: "" });
    }
    const turns = Array.from({ length: 10 }, () => ["begin", "end"]).flat();
    expect(capped.lines()).toEqual(turns);
    expect(locked.lines()).toEqual(turns);
    const states = await one.states();
    expect([...states.values()]).toEqual(Array.from({ length: 20 }, () => "complete"));
    expect([...ledgerIds(one.clone), ...ledgerIds(two.clone)].toSorted()).toEqual([...states.keys()].toSorted());
    const store = await one.openQueue();
    expect(await countEvents(store)).toMatchObject({
      "run.claimed": 20,
      "attempt.ended": 20,
      "run.ended": 20,
      "group.ended": 4,
    });
    expect(await store.locks()).toEqual([]);
    // A machine's marks wait for it; and what a server forgot that had been delivered is delivered once more.
    await waitUntil("the last deliveries", async () => {
      for (const machine of [one, two]) await machine.aexp("queue", "recover");
      return (await store.outboxCounts()).pending === 0;
    });
  });
});

describe("a machine that is cut off for longer than its leases", () => {
  it("ends its programs, and takes its runs up again when it is back, while the others go on", async () => {
    const proxy = await Proxy.open(inject("postgresUrl"));
    onTestFinished(() => proxy.close());
    const { one, two } = await makeMachines({ one: proxy.url });
    await two.aexp("lane", "set", "default", "--on-lost", "requeue");
    const log = makeLog();
    // Goes on for ever at the first attempt, and ends at once at the second.
    const patient = `echo "$AEXP_ATTEMPT $$" >> '${log.path}'; [ "$AEXP_ATTEMPT" -gt 1 ] || exec sleep 600; : {seed}`;
    await one.add("seed=0", patient, "--retries", "1", "--resource", "license");
    await one.add("seed=1", patient, "--retries", "1");
    const worker = one.work({ pools: "*=2", env: { AEXP_LEASE_S: "2" } });
    await untilTold(worker, "started", 2);
    const pids = await waitUntil("two programs", () => {
      const begun = log.lines().map((begin) => Number(begin.split(" ")[1]));
      return begun.length === 2 && begun;
    });
    const store = await two.openQueue();

    proxy.cut();
    await waitUntil("the end of the programs", () => pids.every((pid) => !isRunning(pid)));
    const expired = await waitUntil("the leases have expired", async () => {
      const tasks = await store.expired(undefined, 10);
      return tasks.length === 2 && tasks;
    });
    // Its machine may still be at work for all that others know, so they leave its runs alone.
    const other = two.work({ env: { AEXP_LEASE_S: "2" }, isUntilEmpty: false });
    for (const seed of [2, 3]) {
      await two.add(`seed=${seed}`, "echo {seed}");
      await untilTold(other, "ended", seed - 1);
    }
    expect(other.told("recovered")).toEqual([]);
    expect(await store.expired(undefined, 10)).toEqual(expired);
    proxy.mend();

    expect((await worker.ended).exitCode).toBe(0);
    expect(worker.told("problem").map(({ message }) => message)).toContain(
      "no lease could be renewed in time: the programs that run are ended",
    );
    const tasks = await store.tasks({});
    expect(tasks.map(({ state, attempt }) => `${state} ${attempt}`)).toEqual([
      "complete 2",
      "complete 2",
      "complete 1",
      "complete 1",
    ]);
    expect(log.lines().map((begun) => begun.split(" ")[0])).toEqual(["1", "1", "2", "2"]);
    expect(await countEvents(store)).toMatchObject({ "run.claimed": 6, "attempt.ended": 6, "run.ended": 4 });
  });
});
