import { describe, expect, it } from "vitest";

import type { LedgerRead } from "../../../src/ledger/ledger-store.ts";
import { EMPTY_DOCUMENT } from "../../../src/run/document.ts";
import { parseJobId } from "../../../src/run/job-id.ts";
import type { RunRead } from "../../../src/run/run-store.ts";
import { Collector } from "../../../src/validate/collector.ts";
import { toGithubLine } from "../../../src/validate/formats/github.ts";
import { toTextLine } from "../../../src/validate/formats/text.ts";
import { joinRuns } from "../../../src/validate/join.ts";
import { Selection } from "../../../src/validate/selection.ts";

describe("joinRuns", () => {
  it("brings together what has the same id, in one pass", () => {
    const joined = [...joinRuns([run("1"), run("3"), run("4")], [entry("2"), entry("3"), entry("5")])];

    expect(
      joined.map(({ jobId, local, entry: found }) => [jobId[0], local !== undefined, found !== undefined]),
    ).toEqual([
      ["1", true, false],
      ["2", false, true],
      ["3", true, true],
      ["4", true, false],
      ["5", false, true],
    ]);
  });
});

describe("Collector", () => {
  it("turns a check that throws into one issue, however often it throws, and goes on", () => {
    const collector = new Collector(() => true);
    for (const path of ["b", "a", "c"]) {
      collector.ask(
        "run.orphan",
        () => {
          throw new Error(`broken at ${path}`);
        },
        path,
      );
      collector.ask("run.unpromoted", () => "told", path);
    }

    expect(collector.finish().map(toTextLine)).toEqual([
      "warning run.unpromoted a told",
      "warning run.unpromoted b told",
      "error validate.check_failed b the check run.orphan failed: broken at b (and 2 more times)",
      "warning run.unpromoted c told",
    ]);
  });

  it("sorts by path, then code, then line", () => {
    const collector = new Collector(() => true);
    collector.add("finding.uncited", { message: "x", line: 10 }, "b");
    collector.add("finding.uncited", { message: "x", line: 9 }, "b");
    collector.add("finding.cites_unfinished", { message: "x", line: 11 }, "b");
    collector.add("run.orphan", "x", "a");
    collector.add("finding.no_run_store", "x");

    expect(collector.finish().map(({ path, code, line }) => [path, code, line])).toEqual([
      [undefined, "finding.no_run_store", undefined],
      ["a", "run.orphan", undefined],
      ["b", "finding.cites_unfinished", 11],
      ["b", "finding.uncited", 9],
      ["b", "finding.uncited", 10],
    ]);
  });
});

describe("Selection", () => {
  it.each([
    { named: [], path: "a", isIn: true },
    { named: [""], path: "a", isIn: true },
    { named: ["a"], path: "a", isIn: true },
    { named: ["a"], path: "a/b", isIn: true },
    { named: ["a/b"], path: "a", isIn: true },
    { named: ["a"], path: "ab", isIn: false },
    { named: ["a/b"], path: "a/c", isIn: false },
  ])("$named takes $path: $isIn", ({ named, path, isIn }) => {
    const selection = new Selection(named);

    expect(selection.includes(path)).toBe(isIn);
    expect(selection.unmatched()).toEqual(isIn ? [] : named);
  });
});

describe("toGithubLine", () => {
  it("lets no message start a command of its own", () => {
    const line = toGithubLine({
      code: "x.y",
      severity: "error",
      message: "100%\n::error::x",
      path: "a:b,c\n",
      line: 3,
    });

    expect(line).toBe("::error file=a%3Ab%2Cc ,line=3,title=x.y::100%25 ::error::x");
    expect(line).not.toContain("\n");
  });
});

function run(digit: string): RunRead {
  return {
    kind: "run",
    run: { jobId: parseJobId(digit.repeat(32)), statePoint: new Map(), document: EMPTY_DOCUMENT },
  };
}

function entry(digit: string): LedgerRead {
  return { kind: "malformed", file: `${digit.repeat(32)}.json`, problem: "x", cause: "not_json" };
}
