import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { toPythonJson } from "../../src/model/exact-json.ts";
import { parseJobId } from "../../src/run/job-id.ts";
import { runCli } from "../helpers/cli.ts";
import { makeProject } from "../helpers/project.ts";

const CONDITIONS = `conditions:
  baseline: {lr: 0.10, layers: [64, 64], note: "a: b"}
  # a comment
  deep:
    lr: 1e-3
    model: {depth: 8, norm: null}
  broken: [1]
  reserved: {experiment_id: E002}
`;

async function projectWith(frontmatter: string): Promise<{ root: string; statePointOf: (id: string) => string }> {
  const { root, repo } = await makeProject();
  const folder = join(root, "kb/research/experiments");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "E001-sweep.md"), `---\nstatus: RUNNING\n${frontmatter}---\n# E001\n`);
  return { root, statePointOf: (id) => toPythonJson(repo.runs.read(parseJobId(id.trim())).statePoint) };
}

const NEW = ["runs", "new", "--experiment", "E001", "--no-commit"];

describe("a condition of an experiment", () => {
  it("gives its parameters to the run, with their kinds and digits, and is frozen there", async () => {
    const { root, statePointOf } = await projectWith(CONDITIONS);
    const { stdout } = await runCli(root, [...NEW, "--sp", "condition=baseline,seed=0"]);
    const frozen =
      '{"experiment_id": "E001", "lr": 0.1, "layers": [64, 64], "note": "a: b", "condition": "baseline", "seed": 0}';
    expect(statePointOf(stdout)).toBe(frozen);

    writeFileSync(join(root, "kb/research/experiments/E001-sweep.md"), "---\nconditions: {baseline: {lr: 9}}\n---\n");
    expect(statePointOf(stdout)).toBe(frozen);
  });

  it("gives way to the user's own keys", async () => {
    const { root, statePointOf } = await projectWith(CONDITIONS);
    const { stdout } = await runCli(root, [...NEW, "--sp", "lr=2,condition=deep"]);
    expect(statePointOf(stdout)).toBe(
      '{"experiment_id": "E001", "lr": 2, "model": {"depth": 8, "norm": null}, "condition": "deep"}',
    );
  });

  it("is resolved by `run` as well", async () => {
    const { root, statePointOf } = await projectWith(CONDITIONS);
    const identity = ["--experiment", "E001", "--no-commit", "--sp", "condition=deep"];
    const { stdout } = await runCli(root, ["run", ...identity, "--name-only", "--", "true"]);
    expect(await runCli(root, ["run", ...identity, "--", "true"])).toMatchObject({ exitCode: 0 });
    expect(statePointOf(stdout)).toContain('"lr": 0.001');
  });

  it("is a mere label with --no-resolve, and where the experiment names none", async () => {
    const { root, statePointOf } = await projectWith(CONDITIONS);
    const label = '{"experiment_id": "E001", "condition": "anything"}';
    expect(statePointOf((await runCli(root, [...NEW, "--sp", "condition=anything", "--no-resolve"])).stdout)).toBe(
      label,
    );
    for (const none of ["", "conditions: {}\n", "conditions:\n", "conditions: N/A\n"]) {
      const other = await projectWith(none);
      const { stdout } = await runCli(other.root, [...NEW, "--sp", "condition=anything"]);
      expect(other.statePointOf(stdout)).toBe(label);
    }
  });

  it("that is unknown or faulty is an error, and nothing is registered", async () => {
    const { root } = await projectWith(CONDITIONS);
    const errors = [];
    for (const value of ["basline", "broken", "reserved", "3"]) {
      const { stderr, exitCode } = await runCli(root, [...NEW, "--sp", `condition=${value}`]);
      expect(exitCode).toBe(2);
      errors.push(stderr);
    }
    expect(errors.join("\n")).toMatchInlineSnapshot(`
      "error: E001 has no condition "basline". Did you mean "baseline"?
        It has baseline, deep. Add --no-resolve to take the name as a mere label.

      error: kb/research/experiments/E001-sweep.md: the condition "broken" is a list; expected a mapping of parameters to values
        Repair the note, or add --no-resolve to take the name as a mere label. Nothing was registered.

      error: kb/research/experiments/E001-sweep.md: the condition "reserved" sets experiment_id, which aexp sets itself
        Repair the note, or add --no-resolve to take the name as a mere label. Nothing was registered.

      error: E001 has no condition "3".
        It has baseline, deep. Add --no-resolve to take the name as a mere label.
      "
    `);
    expect((await runCli(root, ["runs", "list"])).stdout).toMatch(/^No runs yet/);
  });

  it("of a note that cannot be read is an error with line and column", async () => {
    const { root } = await projectWith("conditions: {a: [}\n");
    const { stderr } = await runCli(root, [...NEW, "--sp", "condition=a"]);
    expect(stderr).toMatch(/E001-sweep\.md:3:\d+ cannot be read/);
  });
});
