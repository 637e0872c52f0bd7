import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, it, onTestFinished } from "vitest";

import { isTerminalState } from "../../src/queue/task.ts";
import { openQueue } from "../../src/wiring/open-queue.ts";
import { openRepo } from "../../src/wiring/open-repo.ts";
import { runCli } from "../helpers/cli.ts";
import { ledgerIds } from "../helpers/clones.ts";
import { git } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { startWorker, untilTold } from "../helpers/worker-process.ts";
import { execute } from "./fixture.ts";
import { makeMachines } from "./machine.ts";

describe("machines that share a queue", () => {
  it("see all of it, and execute what was queued on them, when their code differs", async () => {
    const { one, two } = await makeMachines();
    git(one.clone, "commit", "--quiet", "--allow-empty", "--message", "Only here");
    await one.add("seed=0..2", "echo {seed}");
    await two.add("seed=3..4", "echo {seed}");
    expect([...(await one.states()).values()]).toEqual(Array.from({ length: 5 }, () => "queued"));

    expect((await two.work().ended).exitCode).toBe(0);

    const states = await one.states();
    expect([...states.values()].toSorted()).toEqual(["complete", "complete", "queued", "queued", "queued"]);
    expect(ledgerIds(two.clone).toSorted()).toEqual(
      [...states].flatMap(([id, state]) => (state === "complete" ? [id] : [])).toSorted(),
    );
    expect(existsSync(join(one.clone, ".aexp", "ledger"))).toBe(false);
    expect((await one.work().ended).exitCode).toBe(0);
    expect(new Set((await two.states()).values())).toEqual(new Set(["complete"]));
    expect([...ledgerIds(one.clone), ...ledgerIds(two.clone)].toSorted()).toEqual([...states.keys()].toSorted());
  });

  it("keep the cap of a lane and the lock on a resource together", async () => {
    const { one, two } = await makeMachines();
    await two.aexp("lane", "set", "gpu", "--max-running", "1");
    const log = join(tempDir(), "log");
    writeFileSync(log, "");
    const line = `echo begin >> '${log}'; sleep 0.02; echo end >> '${log}'; : {seed}`;
    await one.add("seed=0..5", line, "--lane", "gpu");
    await two.add("seed=6..11", line, "--lane", "gpu");
    const other = join(tempDir(), "log");
    writeFileSync(other, "");
    const locked = `echo begin >> '${other}'; sleep 0.02; echo end >> '${other}'; : {seed}`;
    await one.add("seed=20..25", locked, "--resource", "license");
    await two.add("seed=26..31", locked, "--resource", "license");

    const codes = await Promise.all([one.work().ended, two.work().ended]);

    expect(codes.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    const turns = Array.from({ length: 12 }, () => ["begin", "end"]).flat();
    expect(readFileSync(log, "utf8").trim().split("\n")).toEqual(turns);
    expect(readFileSync(other, "utf8").trim().split("\n")).toEqual(turns);
  });

  it("stop each other's runs", async () => {
    const { one, two } = await makeMachines();
    await one.add("seed=0", "sleep 600; : {seed}");
    const worker = one.work();
    await untilTold(worker, "started");
    const [id = ""] = [...(await two.states()).keys()];

    await two.aexp("queue", "stop", id);

    expect((await worker.ended).exitCode).toBe(0);
    expect([...(await two.states()).values()]).toEqual(["stopped"]);
  });

  it("take over what a worker left that was killed, when its machine has another one", async () => {
    const { one, two } = await makeMachines();
    await one.aexp("lane", "set", "default", "--on-lost", "requeue");
    await one.add("seed=0..3", "sleep 0.3; echo {seed}", "--retries", "3");
    const env = { ...one.env, AEXP_LEASE_S: "1" };
    const doomed = startWorker(one.clone, { id: "doomed", env });
    await untilTold(doomed, "started");
    doomed.child.kill("SIGKILL");

    const heir = startWorker(one.clone, { id: "heir", env });

    expect((await heir.ended).exitCode).toBe(0);
    expect(new Set((await two.states()).values())).toEqual(new Set(["complete"]));
  });

  it("meet by the first commit of the repository, or by the name that it gives", async () => {
    const { one, two, place } = await makeMachines();
    await one.add("seed=0", "echo {seed}");
    const open = async (root: string) => {
      const repo = openRepo({ folder: root, cwd: root, env: { ...process.env, ...one.env }, warn: () => {} });
      const store = await openQueue(repo);
      onTestFinished(async () => await store[Symbol.asyncDispose]());
      return store;
    };
    git(two.clone, "commit", "--quiet", "--allow-empty", "--message", "More");
    git(two.clone, "checkout", "--quiet", "-b", "side");
    expect(await (await open(two.clone)).tasks({})).toHaveLength(1);
    git(place, "clone", "--quiet", "--depth=1", `file://${two.clone}`, "shallow");
    const shallow = join(place, "shallow");

    await expect(open(shallow)).rejects.toMatchObject({ code: "queue.repository_unknown" });

    const schema = `aexp_named_${process.pid}`;
    onTestFinished(async () => void (await execute(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)));
    for (const clone of [shallow, two.clone]) writeFileSync(join(clone, "aexp.yaml"), `store:\n  schema: ${schema}\n`);
    await (await open(shallow)).setLane("gpu", {});
    expect((await (await open(two.clone)).lanes()).map(({ name }) => name)).toEqual(["default", "gpu"]);
  });

  it("are told when the variable that their project names is not set", async () => {
    const { one } = await makeMachines();
    writeFileSync(join(one.clone, "aexp.yaml"), "store:\n  database_url_env: LAB_DATABASE_URL\n");
    const list = async (env: Readonly<Record<string, string>>) =>
      await runCli(one.clone, ["queue", "list"], {
        env: { HOME: one.env["HOME"], AEXP_DATABASE_URL: undefined, ...env },
      });

    const refused = await list({});

    expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("LAB_DATABASE_URL") });
    expect(await list({ LAB_DATABASE_URL: inject("postgresUrl") })).toMatchObject({ exitCode: 0, stderr: "" });
    const store = await waitUntil("the queue opens", async () =>
      openQueue(openRepo({ folder: one.clone, cwd: one.clone, env: one.env, warn: () => {} })),
    );
    onTestFinished(async () => await store[Symbol.asyncDispose]());
    expect((await store.tasks({})).filter((task) => !isTerminalState(task.state))).toEqual([]);
  });
});
