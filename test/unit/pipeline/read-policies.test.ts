import { describe, expect, it } from "vitest";

import { toPlain } from "../../../src/model/exact-json.ts";
import { type Policy } from "../../../src/pipeline/policy.ts";
import { readPolicies } from "../../../src/pipeline/read-policies.ts";

async function policyOf(text: string): Promise<Policy> {
  const [policy, ...others] = await readPolicies(text, "aexp.yaml");
  if (policy === undefined || others.length > 0) throw new Error("not one policy");
  return policy;
}

async function faultsOf(text: string): Promise<readonly string[]> {
  try {
    await readPolicies(text, "aexp.yaml");
    return [];
  } catch (error) {
    return error instanceof Error ? error.message.split("\n") : [];
  }
}

describe("a policy", () => {
  it("is a trigger, and what a stage may have", async () => {
    const policy = await policyOf(`
lanes: {gpu: {max_running: 1}}
policies:
  evaluate:
    on: {kind: checkpoint, pipeline: train-eval, stage: train, experiment: E001, every_n: 5}
    command: python3 eval.py {input} {input.digest} {item} {penalty} --out {outputs.score}
    outputs: {score: {path: score.json, kind: score}}
    sp: {penalty: 1.0}
    env: {SEED: 1}
    resources: {keys: gpu:0, mem: 8GB}
    lane: gpu
    priority: 3
    kind: short
    timeout: 10m
    retry: {attempts: 2, on: [lost]}
    experiment: E002
    tag: eval
    cache: refresh
    cache_salt: 2
    code: {paths: [eval.py]}
    container: img@sha256:${"a".repeat(64)}
`);

    expect(policy.listens).toEqual({
      kind: "checkpoint",
      pipeline: "train-eval",
      stage: "train",
      experiment: "E001",
      everyN: 5,
    });
    const { stage } = policy;
    expect(toPlain(stage.parameters)).toEqual({ penalty: 1 });
    expect(stage).toMatchObject({
      name: "evaluate",
      lane: "gpu",
      priority: 3,
      kind: "short",
      timeoutMs: 600_000,
      resources: ["gpu:0"],
      compute: { mem: "8G" },
      retry: { maxAttempts: 2, on: ["lost"] },
      experiment: "E002",
      tag: "eval",
      cache: "refresh",
      cacheSalt: "2",
      codePaths: ["eval.py"],
      inputs: [],
      outputs: [{ name: "score", path: "score.json", kind: "score" }],
    });
  });

  it("takes every item unless it says otherwise, and needs no outputs", async () => {
    const { listens, stage } = await policyOf(
      "policies: {a: {on: {kind: model}, command: [python3, x.py, '{input}']}}",
    );

    expect(listens).toEqual({ kind: "model", everyN: 1 });
    expect(stage.outputs).toEqual([]);
  });

  it.each([
    ["a file without them", "lanes: {}"],
    ["an empty section", "policies:"],
    ["an empty file", ""],
  ])("is not in %s", async (_, text) => {
    expect(await readPolicies(text, "aexp.yaml")).toEqual([]);
  });
});

describe("what is wrong with policies", () => {
  it.each([
    ["policies:\n  a: 3", 'aexp.yaml:2:6: the policy "a" must be a mapping of keys and values'],
    [
      "policies:\n  a b: {}",
      'aexp.yaml:2:3: "a b" cannot be the name of a policy: expected up to 100 letters, digits and _ -',
    ],
    ["policies:\n  a: {command: x}", 'aexp.yaml:2:3: the policy "a" lacks the key on, which says what it listens to'],
    [
      "policies:\n  a: {on: model, command: x}",
      "aexp.yaml:2:11: on must be a mapping of keys and values, such as {kind: checkpoint}",
    ],
    [
      "policies:\n  a: {on: {stage: t}, command: x}",
      "aexp.yaml:2:7: on lacks the key kind: the kind of outputs that it listens to",
    ],
    [
      "policies:\n  a: {on: {kind: m, every_n: 0}, command: x}",
      "aexp.yaml:2:30: every_n must be a whole number of at least 1",
    ],
    [
      "policies:\n  a: {on: {kind: m, every_n: 1.5}, command: x}",
      "aexp.yaml:2:30: every_n must be a whole number of at least 1",
    ],
    ["policies:\n  a: {on: {kind: [m]}, command: x}", "aexp.yaml:2:18: kind must be a text"],
    [
      "policies:\n  a: {on: {kind: m, experiment: one}, command: x}",
      "aexp.yaml:2:33: experiment must be an id like E001",
    ],
    [
      "policies:\n  a: {on: {kind: m, stge: t}, command: x}",
      'aexp.yaml:2:21: unknown key "stge". Did you mean "stage"?',
    ],
    ["policies:\n  a: {on: {kind: m}}", 'aexp.yaml:2:3: the policy "a" lacks the key command'],
    [
      "policies:\n  a: {on: {kind: m}, command: x, lne: gpu}",
      'aexp.yaml:2:34: unknown key "lne". Did you mean "lane"?',
    ],
    [
      "policies:\n  a:\n    on: {kind: m}\n    command: x {inptu}",
      "aexp.yaml:4:14: nothing defines {inptu}. Known: input, input.digest, item, run.id, run.dir, repo, job_id, workspace, sp_json, sp_json_shell",
    ],
    [
      "policies:\n  a: {on: {kind: m}, command: x, needs: b}",
      "aexp.yaml:2:34: needs means nothing for a policy: a policy is fired as soon as there is an output",
    ],
    [
      "policies:\n  a: {on: {kind: m}, command: x, sweep: {lr: 1}}",
      "aexp.yaml:2:34: sweep means nothing for a policy: a policy submits one run for an output; write a policy for each value",
    ],
    [
      "policies:\n  a: {on: {kind: m}, command: x, inputs: {d: {path: x}}}",
      "aexp.yaml:2:34: inputs means nothing for a policy: a policy reads the output that it is fired for, which its command calls {input}",
    ],
    [
      "policies:\n  a: {on: {kind: m}, command: x, sp: {item: 1}}",
      'aexp.yaml:2:39: "item" cannot be a parameter of a policy: {item} means something else in its command',
    ],
    ["policies:\n  a: {on: {kind: m}, command: x, timeout: soon}", 'aexp.yaml:2:43: timeout="soon" is not a duration'],
  ])("%j is told with its line", async (text, fault) => {
    const [first = "", ...others] = await faultsOf(text);

    expect(first.slice(0, fault.length)).toBe(fault);
    expect(others).toEqual([]);
  });

  it("is told all at once, by line", async () => {
    const faults = await faultsOf("policies:\n  a: {on: {kind: m}}\n  b:\n    on: 3\n    comand: x\n");

    expect(faults.map((fault) => fault.split(": ")[0])).toEqual([
      "aexp.yaml:2:3",
      "aexp.yaml:3:3",
      "aexp.yaml:4:9",
      "aexp.yaml:5:5",
    ]);
  });
});
