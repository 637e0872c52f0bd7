import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { startAexp } from "../helpers/aexp-process.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { makeProject } from "../helpers/project.ts";

async function projectWith(config: string): Promise<string> {
  const { root } = await makeProject();
  writeFileSync(join(root, "aexp.yaml"), config);
  return root;
}

const ADD = ["queue", "add", "--experiment", "E001", "--no-commit"];

function addTo(lane: string): string[] {
  return [...ADD, "--lane", lane, "--sp", "a=1", "--command", "true"];
}

describe("aexp lane", () => {
  it("makes a lane, changes it live, and shows what is in it", async () => {
    const { root } = await makeProject();
    expect(await runCliJson(root, ["lane", "set", "gpu", "--max-running", "2", "--max-per-caller", "1"])).toEqual({
      name: "gpu",
      paused: false,
      max_running: 2,
      max_per_caller: 1,
      on_lost: "fail",
      retain_s: null,
      keep_last: 3,
      age_s: null,
      executor: "local",
      created: true,
    });
    const change = [
      "--max-running",
      "none",
      "--on-lost",
      "requeue",
      "--retain",
      "30d",
      "--keep-last",
      "9",
      "--age",
      "10m",
    ];
    expect((await runCli(root, ["lane", "set", "gpu", ...change])).stdout).toBe(
      "lane gpu: any number at once; 1 of one caller; lost runs are repeated; ended runs are kept 30 d, last 9; " +
        "waiting 10 min adds 1 to the priority\n",
    );
    const back = ["--max-running", "3", "--max-per-caller", "none", "--retain", "forever", "--age", "none"];
    await runCli(root, ["lane", "set", "gpu", ...back]);
    await runCli(root, [...ADD, "--lane", "gpu", "--sweep", "a=1..3", "--command", "true"]);
    await runCli(root, ["lane", "set", "default", "--max-running", "0"]);

    expect((await runCli(root, ["lane", "list"])).stdout).toMatchInlineSnapshot(`
      "lane     state   active  queued  blocked  executor  per caller  on lost  keeps     ages after
      default  closed     0/0       0        0  local            any  fail     for ever  never
      gpu      open       0/3       3        0  local            any  requeue  for ever  never
      "
    `);
    expect(await runCliJson(root, ["lane", "list"])).toMatchObject([
      { name: "default", max_running: 0, queued: 0 },
      { name: "gpu", max_running: 3, active: 0, queued: 3, blocked: 0 },
    ]);
  });

  it("says which lane may have been meant by a new name", async () => {
    const { root } = await makeProject();
    await runCli(root, ["lane", "set", "gpu"]);
    expect((await runCli(root, ["lane", "set", "gpuu"])).stderr).toBe(
      "warning: lane gpuu is new; there is a lane gpu as well\n",
    );
  });

  it.each([
    [["a b"], '"a b" is no name of a lane'],
    [["gpu", "--max-running", "-1"], "max-running"],
    [["gpu", "--max-running", "two"], "is no limit: expected a whole number from 0, or none"],
    [["gpu", "--max-per-caller", "0"], "expected a whole number from 1"],
    [["gpu", "--retain", "soon"], "is not a duration between 1 ms and 36500 days"],
    [["gpu", "--on-lost", "forget"], "fail"],
    [["gpu", "--keep-last", "-1"], "keep-last"],
  ])("refuses %j", async (argv, message) => {
    const { root } = await makeProject();
    expect(await runCli(root, ["lane", "set", ...argv])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(message),
    });
  });
});

describe("lanes of aexp.yaml", () => {
  it("are there as soon as something is queued, also for a dry run, which makes nothing", async () => {
    const root = await projectWith("lanes: { gpu: { max_running: 2 } }\n");
    expect(await runCli(root, [...addTo("gpu"), "--dry-run"])).toMatchObject({ exitCode: 0 });
    expect(await runCli(root, [...addTo("gpuu"), "--dry-run"])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('there is no lane "gpuu". Did you mean "gpu"?'),
    });
    expect(await runCli(root, addTo("gpu"))).toMatchObject({ exitCode: 0 });
    expect(await runCliJson(root, ["lane", "list"])).toMatchObject([
      { name: "default" },
      { name: "gpu", max_running: 2, queued: 1 },
    ]);
  });

  it("give way to what is set live, until the file says something new about it", async () => {
    const root = await projectWith("lanes: { gpu: { max_running: 2, keep_last: 5 } }\n");
    // The first look at the file is that of `lane set` itself.
    expect(await runCliJson(root, ["lane", "set", "gpu", "--max-running", "1"])).toMatchObject({
      max_running: 1,
      keep_last: 5,
      created: false,
    });
    const gpu = async () => await runCliJson(root, ["lane", "list"]);
    expect(await gpu()).toMatchObject([{}, { name: "gpu", max_running: 1, keep_last: 5 }]);

    writeFileSync(join(root, "aexp.yaml"), "lanes: { gpu: { max_running: 2, keep_last: 7 } }\n");
    expect(await gpu()).toMatchObject([{}, { max_running: 1, keep_last: 7 }]);
    writeFileSync(join(root, "aexp.yaml"), "lanes: { gpu: { max_running: 4 } }\n");
    expect(await gpu()).toMatchObject([{}, { max_running: 4, keep_last: 3 }]);
    writeFileSync(join(root, "aexp.yaml"), "");
    expect(await gpu()).toMatchObject([{}, { max_running: 4 }]);
  });

  it("are applied once, however many processes look at once", async () => {
    const root = await projectWith("lanes: { gpu: { max_running: 2 }, cpu: {} }\n");
    const all = [1, 2, 3, 4].map(() => startAexp(root, ["lane", "list", "--json"]));
    for (const aexp of all) {
      expect(await aexp.ended).toMatchObject({ exitCode: 0 });
      expect(JSON.parse(aexp.printed.stdout)).toMatchObject([{ name: "cpu" }, {}, { name: "gpu", max_running: 2 }]);
    }
  });

  it("stop a command that cannot read them", async () => {
    const root = await projectWith("lanes: { gpu: { maxrunning: 2 } }\n");
    expect(await runCli(root, ["lane", "list"])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('lanes.gpu: unknown key "maxrunning". Did you mean "max_running"?'),
    });
  });
});
