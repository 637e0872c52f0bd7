import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli } from "../helpers/cli.ts";
import { makePipelineProject, readOutput, statesOf, taskOf } from "../helpers/pipeline-project.ts";

const PAGE = readFileSync(join(import.meta.dirname, "..", "..", "docs", "pipelines.md"), "utf8");

/** What the page's example calls, as small as can be. */
const PROGRAMS = {
  "prepare.py": "import sys\nopen(sys.argv[2], 'w').write(open(sys.argv[1]).read().upper())\n",
  "train.py": "import sys\nprint(open(sys.argv[1]).read().strip(), *sys.argv[2:])\n",
  "report.py":
    "import json, sys\nfor item in json.load(open(sys.argv[1])):\n    print(item['element']['lr'], open(item['path']).read().strip())\n",
};

function blockOf(language: string): string {
  const [, block = ""] = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "s").exec(PAGE) ?? [];
  return block;
}

describe("docs/pipelines.md", () => {
  it("shows a pipeline that does what the page says", async () => {
    const project = await makePipelineProject(blockOf("yaml"));
    for (const [name, text] of Object.entries(PROGRAMS)) project.write(name, text);
    project.write("raw.csv", "a\n");
    const lines = blockOf("sh").trim().split("\n");
    const [plan = [], ...runs] = lines.map((line) =>
      line
        .replace(/\s*#.*$/, "")
        .split(" ")
        .slice(1),
    );

    const planned = await runCli(project.root, plan);
    expect(planned).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("3 stages, 6 runs") });
    for (const argv of runs) expect(await runCli(project.root, argv)).toMatchObject({ exitCode: 0 });

    const [second, first] = await project.groups();
    if (first === undefined || second === undefined) throw new Error("two were to be submitted");
    expect(statesOf(first)).toEqual({ prepare: "complete", train: Array(4).fill("complete"), report: "complete" });
    expect(statesOf(second)).toEqual({ prepare: "cached", train: Array(4).fill("cached"), report: "cached" });
    const [table = ""] = (await readOutput(project, taskOf(second, "report").id)).split("\n");
    expect(table).toBe("0.1 A --lr 0.1 --seed 0");
  });

  it("names every key that a stage may have, and every placeholder", () => {
    const schema: { properties: { stages: { additionalProperties: { properties: object } } } } = JSON.parse(
      readFileSync(join(import.meta.dirname, "..", "..", "schemas", "pipeline.schema.json"), "utf8"),
    );
    const keys = Object.keys(schema.properties.stages.additionalProperties.properties);

    expect(keys.filter((key) => !PAGE.includes(`\`${key}\``))).toEqual([]);
    const placeholders = [
      "{inputs.data}",
      "{inputs.models.list}",
      "{inputs.data.digest}",
      "{outputs.model}",
      "{run.id}",
    ];
    expect(placeholders.filter((name) => !PAGE.includes(`\`${name}\``))).toEqual([]);
  });
});
