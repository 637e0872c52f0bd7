import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { isLegalTransition, isTerminal, nextStatuses, RUN_STATUSES } from "../../../src/run/run-status.ts";

describe("the status of a run", () => {
  it("leaves a terminal status only for a new attempt, or to be abandoned", () => {
    for (const from of RUN_STATUSES.filter(isTerminal)) {
      for (const to of nextStatuses(from)) expect(["queued", "running", "abandoned"]).toContain(to);
    }
  });

  it("never changes to itself", () => {
    for (const status of RUN_STATUSES) expect(isLegalTransition(status, status)).toBe(false);
  });

  it("is drawn in docs/state-machine.md without an edge that is not legal", () => {
    const page = readFileSync(new URL("../../../docs/state-machine.md", import.meta.url), "utf8");
    const [ofRuns = ""] = page.split("\n# The state of a task\n");
    const edges = [...ofRuns.matchAll(/^ {2}(\w+) --> (\w+):/gm)];

    expect(edges.length).toBeGreaterThan(10);
    for (const [, from = "", to = ""] of edges) {
      const known = RUN_STATUSES.find((status) => status === from);
      const next = RUN_STATUSES.find((status) => status === to);
      expect(known !== undefined && next !== undefined && isLegalTransition(known, next), `${from} → ${to}`).toBe(true);
    }
  });

  it("is written by mark-status.ts and nowhere else", () => {
    const root = new URL("../../../src/", import.meta.url).pathname;
    const writers = globSync("**/*.ts", { cwd: root }).filter((file) => {
      const source = readFileSync(`${root}${file}`, "utf8");
      return (
        /\b(?:DocumentPatch|runs\.updateDocument|runs\.create)\b/.test(source) &&
        /\bstatus: (?:change\.to|")/.test(source)
      );
    });

    expect(writers).toEqual(["app/mark-status.ts"]);
  });
});
