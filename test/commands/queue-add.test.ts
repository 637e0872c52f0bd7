import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { type CliResult, runCli, runCliJson } from "../helpers/cli.ts";
import { makeProject } from "../helpers/project.ts";
import { makeQueueProject } from "../helpers/queue-project.ts";

/** Queues runs of E001, whose ids do not depend on the commit. */
async function add(root: string, ...flags: readonly string[]): Promise<CliResult> {
  return await runCli(root, ["queue", "add", "--experiment", "E001", "--no-commit", ...flags]);
}

/** How many runs the queue and the run store hold. */
async function stored(root: string): Promise<unknown> {
  const queue = await runCliJson(root, ["queue", "list"]);
  const runs = await runCliJson(root, ["runs", "list"]);
  return { queue, runs };
}

describe("aexp queue add", () => {
  it("shows the runs of a sweep by what differs, and names their group", async () => {
    const { root } = await makeProject();

    const { stdout, stderr, exitCode } = await add(
      root,
      "--sweep",
      "batch=16|32,seed=0..1",
      "--sp",
      "model=mlp",
      "--command",
      "echo {batch} {seed}",
    );

    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout.replace(/grp_[0-9a-f]{12}/, "GROUP")).toMatchInlineSnapshot(`
      "id        experiment  batch  seed  outcome
      a6c38bdc  E001        16     0     queued
      db6687cb  E001        16     1     queued
      54afa7f2  E001        32     0     queued
      a0a6e060  E001        32     1     queued
      queued 4 runs as group GROUP
      "
    `);
  });

  it("prints one JSON document", async () => {
    const { root } = await makeProject();
    const argv = ["queue", "add", "--experiment", "E001", "--sp", "n=1", "--name", "one", "--command", "true"];

    expect(await runCliJson(root, argv)).toEqual({
      group: expect.stringMatching(/^grp_[0-9a-f]{12}$/),
      queued: 1,
      dry_run: false,
      runs: [
        { job_id: expect.stringMatching(/^[0-9a-f]{32}$/), experiment_id: "E001", outcome: "queued", name: "one" },
      ],
    });
  });

  it("shows the first runs of many, and counts the rest", async () => {
    const { root } = await makeProject();

    const { stdout } = await add(root, "--sweep", "n=1..25", "--command", "true");

    expect(stdout.split("\n").filter((line) => line.endsWith("  queued"))).toHaveLength(20);
    expect(stdout).toMatch(/\n… and 5 more\nqueued 25 runs as group grp_\w+\n$/);
  });

  it("stores nothing with --dry-run, and says what it would do", async () => {
    const { root } = await makeProject();
    const before = await stored(root);

    const shown = await add(root, "--sweep", "n=1..3", "--command", "true", "--dry-run");
    const told = await add(root, "--sweep", "n=1..3", "--command", "true", "--dry-run", "--json");

    expect(shown.stdout).toMatch(/\nwould queue 3 runs\n$/);
    expect(JSON.parse(told.stdout)).toMatchObject({ queued: 3, dry_run: true });
    expect(await stored(root)).toEqual(before);
    expect(JSON.parse((await add(root, "--sp", "n=1", "--command", "true", "--json")).stdout)).toMatchObject({
      queued: 1,
      runs: [{ outcome: "queued" }],
    });
  });

  it("leaves alone what is queued already or complete, and says so", async () => {
    const { root } = await makeQueueProject();
    await add(root, "--sp", "n=1", "--command", "true");
    expect((await runCli(root, ["queue", "run"])).exitCode).toBe(0);
    await add(root, "--sp", "n=2", "--command", "true");

    const { stdout, exitCode } = await add(root, "--sweep", "n=1..3", "--command", "true");
    const again = await add(root, "--sweep", "n=1..3", "--command", "true", "--json");

    expect(exitCode).toBe(0);
    expect(stdout.replace(/grp_[0-9a-f]{12}/, "GROUP")).toMatchInlineSnapshot(`
      "id        experiment  n  outcome
      ff84d26c  E001        1  complete already
      f1bc8701  E001        2  queued already
      b1586a14  E001        3  queued
      queued 1 run as group GROUP; 1 complete already (--force queues them again); 1 in progress already
      "
    `);
    expect(again.exitCode).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({
      group: null,
      queued: 0,
      runs: [{ outcome: "complete" }, { outcome: "pending", status: "queued" }, { outcome: "pending" }],
    });
  });

  it("queues a complete run again with --force, and not one that is queued", async () => {
    const { root } = await makeQueueProject();
    await add(root, "--sp", "n=1", "--command", "true");
    await runCli(root, ["queue", "run"]);

    const forced = await add(root, "--sp", "n=1", "--command", "true", "--force", "--json");
    const twice = await add(root, "--sp", "n=1", "--command", "true", "--force", "--json");

    expect(JSON.parse(forced.stdout)).toMatchObject({ queued: 1, runs: [{ outcome: "queued" }] });
    expect(JSON.parse(twice.stdout)).toMatchObject({ queued: 0, runs: [{ outcome: "pending" }] });
  });

  it("names the line or the word of a plan that is at fault, and queues nothing of it", async () => {
    const { root } = await makeProject();
    const before = await stored(root);
    const good = ["version: 1", "runs:", "  - sp: {n: 1}", "    command: echo one"];

    for (const { bad, says } of [
      {
        bad: ["  - sp: {n: 2}", "    nmae: two"],
        says: /^error: plan\.yaml:6: unknown key "nmae"\. Did you mean "name"\?/,
      },
      {
        bad: ["  - sp: {n: 2}", "    command: echo two", "    timeout: soon"],
        says: /^error: plan\.yaml:5: timeout="soon" is not a duration .*\n {2}Write it like 90s/,
      },
      {
        bad: ["  - sp: [n"],
        says: /^error: plan\.yaml:5:9: the list that begins here has no closing \]/,
      },
      // What is found out only when all entries are known.
      {
        bad: ["  - sp: {n: 2}", "    command: echo {m}"],
        says: /^error: plan\.yaml:5: .*\{m\}, and the run has no such parameter/,
      },
      {
        bad: ["  - sp: {n: 2}", "    command: echo two", "    needs: [three]"],
        says: /^error: plan\.yaml:5: "three" is needed/,
      },
      {
        bad: ["  - sp: {n: 2}", "    command: echo two", "    lane: nope"],
        says: /^error: plan\.yaml:5: there is no lane "nope"/,
      },
      {
        bad: ["  - sp: {n: 2}", "    command: echo two", "    kind: a b"],
        says: /^error: plan\.yaml:5: "a b" is no kind/,
      },
      {
        bad: ["  - sp: {n: 2}", "    command: echo `echo {n}`"],
        says: /^error: plan\.yaml:5: .*stands in `…`/,
      },
      {
        bad: ["  - sp: {n: 2}", "    command: echo two", "    sweep: n=3|4"],
        says: /^error: plan\.yaml:5: the key "n" is swept, and has the value 2 as well/,
      },
      {
        bad: ["  - sp: {a.b: 2}", "    command: echo two"],
        says: /^error: plan\.yaml:5: the key "a\.b" of the state point has a dot/,
      },
      {
        bad: ["  - sp: {n: 2}", "    command: echo two", "    name: a/b"],
        says: /^error: plan\.yaml:5: "a\/b" cannot be the name of a run/,
      },
    ]) {
      writeFileSync(join(root, "plan.yaml"), [...good, ...bad, ""].join("\n"));
      const { stdout, stderr, exitCode } = await add(root, "--plan", "plan.yaml");
      expect({ bad, stdout, exitCode }).toEqual({ bad, stdout: "", exitCode: 2 });
      expect(stderr).toMatch(says);
    }

    expect(await stored(root)).toEqual(before);
  });

  it("refuses what it cannot queue, and queues nothing", async () => {
    const { root } = await makeProject();
    const before = await stored(root);
    const refusals = [];

    for (const flags of [
      ["--sp", "n=1", "--lane", "nope", "--command", "true"],
      ["--sp", "n=1", "--command", "echo {m}"],
      ["--sp", "n=1", "--needs", "nobody", "--command", "true"],
      ["--sp", "n=1", "--command", "true", "--", "false"],
      ["--sp", "n=1", "true"],
      ["--plan", "none.yaml"],
      ["--sp", "n=1", "--plan", "none.yaml"],
    ]) {
      const { stdout, stderr, exitCode } = await add(root, ...flags);
      expect({ flags, stdout, exitCode }).toEqual({ flags, stdout: "", exitCode: 2 });
      refusals.push(stderr);
    }

    expect(refusals.join("").replace(root, "ROOT")).toMatchInlineSnapshot(`
      "error: there is no lane "nope". Nothing was queued
        Make it with \`aexp lane set nope\`.
      error: the command has {m}, and the run has no such parameter. Did you mean "n"?
        Known: job_id, sp_json, sp_json_shell, workspace, experiment_id, n. Write {{ and }} for braces that are meant for the program.
      error: "nobody" is needed, and names no run of this submission or of the queue. Nothing was queued
        Give the name of an entry, a job id, or at least four of its first digits.
      error: there are two commands: --command and what follows the two dashes
        Give one of them.
      error: "true" stands where flags of aexp are expected
        Put two dashes before the command: aexp queue add … -- true
      error: the plan "none.yaml" cannot be read: ENOENT: no such file or directory, open 'ROOT/none.yaml'
        Check the value of --plan.
      error: --sp cannot be combined with --plan
        Write it into the plan.
      "
    `);
    expect(await stored(root)).toEqual(before);
  });
});
