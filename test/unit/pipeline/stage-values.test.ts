import { spawnSync } from "node:child_process";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseExactObject } from "../../../src/model/exact-json-reader.ts";
import { toDigest } from "../../../src/output/digest.ts";
import { type ResolvedInput, toStageValues } from "../../../src/pipeline/stage-values.ts";
import { fillTemplate, parseTemplate } from "../../../src/queue/command-template.ts";
import { parseJobId } from "../../../src/run/job-id.ts";
import { pipelineOf } from "../../helpers/pipelines.ts";

const ID = parseJobId("0123456789abcdef".repeat(2));
const DIGEST = toDigest("sha256", "a".repeat(64));

/** The command of a run whose folders have names that no shell would leave alone. */
function fill(command: string | readonly string[], folder = "/a b'c"): string | readonly string[] {
  const inputs = new Map<string, ResolvedInput>([
    ["data", { kind: "one", path: `${folder}/data`, digest: DIGEST }],
    ["models", { kind: "list", listFile: `${folder}/models.json`, digest: undefined }],
  ]);
  const values = toStageValues({
    jobId: ID,
    statePoint: parseExactObject('{"lr": 0.10, "net": {"layers": [8, 8]}, "stage": "train"}'),
    workspace: `${folder}/run`,
    repo: folder,
    inputs,
    outputs: new Map([["model", `${folder}/out/model`]]),
  });
  return fillTemplate(parseTemplate(command), values);
}

describe("the command of a stage's run", () => {
  it("gets paths, digests and parameters, each as one argument", () => {
    const all = [
      "inputs.data",
      "inputs.models.list",
      "inputs.data.digest",
      "outputs.model",
      "run.id",
      "run.dir",
      "repo",
    ];
    const parameters = ["lr", "net.layers", "job_id", "workspace"];

    expect(fill([...all, ...parameters].map((name) => `{${name}}`))).toEqual([
      "/a b'c/data",
      "/a b'c/models.json",
      DIGEST,
      "/a b'c/out/model",
      ID,
      "/a b'c/run",
      "/a b'c",
      "0.1",
      "[8,8]",
      ID,
      "/a b'c/run",
    ]);
    expect(fill("x {inputs.data} > {outputs.model}")).toBe(String.raw`x '/a b'\''c/data' > '/a b'\''c/out/model'`);
  });

  it("is refused when a placeholder means nothing, with what was meant", () => {
    expect(() => fill("x {inputs.date}")).toThrow('Did you mean "inputs.data"?');
    expect(() => fill("x {inputs.models.digest}")).toThrow(
      expect.objectContaining({ code: "queue.unknown_placeholder" }),
    );
  });

  it("cannot be taken over by the name of a folder", () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 20 }).filter((text) => !text.includes("\0")),
        (name) => {
          const folder = `/${name}`;
          const { stdout } = spawnSync("/bin/sh", [
            "-c",
            String(fill(`printf '%s\\n' {inputs.data} "{outputs.model}"`, folder)),
          ]);

          expect(stdout.toString()).toBe(`${folder}/data\n${folder}/out/model\n`);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("is what a file that was found right has asked for", async () => {
    const { stages } = await pipelineOf(`name: p
stages:
  models: {command: x, sweep: {seed: 0..1}, outputs: {o: {path: o}}}
  train:
    command: [x, "{inputs.data}", "{inputs.models.list}", "{outputs.model}", "{lr}", "{net.layers}", "{run.id}", "{{}}"]
    sp: {lr: 0.1}
    sweep: {net: [{layers: [8, 8]}, {layers: [1], more: 1}]}
    inputs: {data: {path: d}, models: {stage: models, all: true}}
    outputs: {model: {path: m}}
`);

    expect(fill(stages.get("train")?.command ?? "")).toContain("[8,8]");
  });
});
