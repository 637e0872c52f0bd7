import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli, runCliJson } from "../helpers/cli.ts";
import { makePipelineProject, taskOf, THREE_STAGES } from "../helpers/pipeline-project.ts";

const DIGEST = /sha256:[0-9a-f]{64}/.source;

describe("aexp runs show", () => {
  it("tells of a stage what it read and wrote, from which code, and whose result it has", async () => {
    const project = await makePipelineProject();
    const first = await project.run();
    const second = await project.run();
    const { id } = taskOf(first.pipeline, "train");
    const cached = taskOf(second.pipeline, "train").id;

    const shown = (await runCli(project.root, ["runs", "show", id])).stdout;
    const [tree] = await project.ports.code.keptTrees();
    expect(shown).toMatch(new RegExp(`^Inputs\\n  data  ${DIGEST}$`, "m"));
    expect(shown).toMatch(new RegExp(`^Outputs\\n  model  ${DIGEST}  10 bytes$`, "m"));
    expect(shown).toMatch(new RegExp(`^  tree ${tree}$`, "m"));
    expect((await runCli(project.root, ["runs", "show", cached])).stdout).toContain(
      `cached: ${id.slice(0, 8)} computed`,
    );
    const json = await runCliJson(project.root, ["runs", "show", cached]);
    const digest = expect.stringMatching(new RegExp(`^${DIGEST}$`));
    expect(json).toMatchObject({ code: { tree }, inputs: { data: digest }, outputs: [{ name: "model", digest }] });
  });

  it("knows the outputs of a stage whose ledger entry is not there", async () => {
    const project = await makePipelineProject();
    const { id } = taskOf((await project.run()).pipeline, "report");
    rmSync(join(project.root, ".aexp", "ledger", `${id}.json`));

    const shown = (await runCli(project.root, ["runs", "show", id])).stdout;

    expect(shown).toMatch(new RegExp(`^Outputs\\n  table  ${DIGEST}  2 bytes$`, "m"));
  });

  it("says once how a stage failed", async () => {
    const project = await makePipelineProject(THREE_STAGES.replace("(cat", "exit 3; (cat"));
    const { id } = taskOf((await project.run()).pipeline, "train");

    const shown = (await runCli(project.root, ["runs", "show", id])).stdout;

    expect(shown).toMatch(/^Last error\n {2}exit 3, \d{4}-/m);
    expect(shown).toContain("failed: exit 3, on ");
  });
});
