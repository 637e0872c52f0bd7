import { describe, expect, it } from "vitest";

import { policyLine, wordsOfPolicies } from "../../../src/hooks/policy-command.ts";

function policy(section: unknown) {
  return { name: "evaluate", section };
}

describe("the command of a policy", () => {
  it("names no file of the work tree while it executes the code of its source", () => {
    expect(wordsOfPolicies([policy({ command: "python3 eval.py {input}" })])).toEqual([]);
    expect(wordsOfPolicies([policy({ command: ["sh", "eval.sh"] })])).toEqual([]);
  });

  it.each([
    ["python3 {repo}/eval.py {input}; sh {repo}//lib/a.sh", ["eval.py", "lib/a.sh"]],
    [["sh", "{repo}/eval.sh"], ["eval.sh"]],
    ["cd {repo}; sh eval.sh", ["eval.sh"]],
    ["cd '{repo}' && sh eval.sh", ["eval.sh"]],
  ])("%j names files of the work tree: %j", (command, files) => {
    expect(wordsOfPolicies([policy({ command })])).toEqual(expect.arrayContaining(files));
  });

  it("names them when it takes its code from the work tree", () => {
    const words = wordsOfPolicies([policy({ command: "python3 eval.py {repo}/a.py", code: { paths: "eval.py" } })]);

    expect(words).toEqual(expect.arrayContaining(["a.py", "eval.py", "python3"]));
  });

  it("is read from whatever somebody wrote there", () => {
    for (const section of [null, 3, "x", [], {}, { command: 3 }, { command: [1, "x"] }]) {
      expect(wordsOfPolicies([policy(section)])).toEqual([]);
    }
    expect(policyLine(policy({ command: ["sh", "-c", "a b"] }))).toBe('sh -c "a b"');
    expect(policyLine(policy({ command: "a  b" }))).toBe("a  b");
    expect(policyLine(policy(undefined))).toBe("");
  });
});
