import { describe, expect, it } from "vitest";

import { runCli } from "../helpers/cli.ts";
import { makePipelineProject, readOutput, taskOf } from "../helpers/pipeline-project.ts";

function withEnv(env: string): string {
  return `
name: env
stages:
  work:
    command: ./note work; echo "$PLACE $AEXP_TEST_TOKEN" > {outputs.out}
    env: {${env}}
    outputs: {out: {path: out}}
`;
}

describe("a variable of a stage", () => {
  it.for([
    ["API_KEY: abc", "is named like a secret"],
    [`HUB: hf_${"a".repeat(34)}`, "looks like a Hugging Face token"],
    ["DB: 'postgres://ana:pass@host/db'", "looks like a URL with a password"],
    ["BADGE: 'our-token-17'", "matches a `redact` pattern of aexp.yaml"],
  ] as const)("that looks like a secret is refused, and nothing is kept of it: %s", async ([env, problem]) => {
    const project = await makePipelineProject(withEnv(env));
    project.write("aexp.yaml", 'redact: ["our-token"]\n');

    for (const command of ["run", "plan"]) {
      const { exitCode, stderr } = await runCli(project.root, ["pipeline", command, "pipeline.yaml"]);
      expect(exitCode).toBe(2);
      expect(stderr).toContain(`the variable ${env.split(":", 1)[0]} of stage "work" ${problem}`);
      expect(stderr).not.toContain(env.split(": ")[1]);
    }
    expect(project.repo.runs.listJobIds()).toEqual([]);
    expect(await project.ports.store.tasks({})).toEqual([]);
  });

  it("may name a place of this machine, and secrets come from the worker's environment", async () => {
    const project = await makePipelineProject(withEnv("PLACE: PATH"));
    project.write("pipeline.yaml", withEnv(`PLACE: ${project.root}`));
    const env = { AEXP_TEST_TOKEN: `hf_${"a".repeat(34)}` };

    const { exitCode } = await runCli(project.root, ["pipeline", "run", "pipeline.yaml", "--jobs", "1"], { env });

    expect(exitCode).toBe(0);
    const [group] = await project.groups();
    const written = group && (await readOutput(project, taskOf(group, "work").id));
    expect(written).toBe(`${project.root} ${env.AEXP_TEST_TOKEN}\n`);
  });
});
