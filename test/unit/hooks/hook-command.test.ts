import { describe, expect, it } from "vitest";

import { hookLine, toHookArgv, wordsOf } from "../../../src/hooks/hook-command.ts";

const isThere = (name: string): boolean => name === "notify.sh";

function hook(command: string | readonly string[]) {
  return { event: "run.ended", command };
}

describe("the command of a hook", () => {
  it.each([
    ["notify.sh", ["sh", "-c", "./notify.sh"]],
    ["  notify.sh --to 'a b'", ["sh", "-c", "./notify.sh --to 'a b'"]],
    ["hooks/notify.sh", ["sh", "-c", "hooks/notify.sh"]],
    ["cat > x; notify.sh", ["sh", "-c", "cat > x; notify.sh"]],
    [
      ["notify.sh", "a b"],
      ["./notify.sh", "a b"],
    ],
    [
      ["python3", "notify.sh"],
      ["python3", "notify.sh"],
    ],
  ])("%j is executed as %j", (command, argv) => {
    expect(toHookArgv(hook(command), isThere)).toEqual(argv);
  });

  it("names every path that may be in it", () => {
    const line = "A=b/c.sh; sh -c 'd.py|e' <f";
    expect(wordsOf([hook(line), hook(["g h/i.sh"])])).toEqual(
      ["-c", "A", line, "b/c.sh", "d.py", "e", "f", "g", "g h/i.sh", "h/i.sh", "sh"].toSorted(),
    );
  });

  it("does not name what it only writes", () => {
    expect(wordsOf([hook("cat >> log 2>err.txt")])).toEqual(["cat", "cat >> log 2>err.txt"]);
    expect(wordsOf([hook("cat > run.sh; sh run.sh")])).toContain("run.sh");
    expect(wordsOf([hook("cat >run.sh;./run.sh>&2")])).toContain("./run.sh");
    expect(wordsOf([hook("sh >log run.sh")])).toContain("run.sh");
  });

  it("is one line in messages", () => {
    expect(hookLine(hook(["sh", "-c", "a b"]))).toBe('sh -c "a b"');
  });
});
