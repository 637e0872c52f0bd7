import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { TASK_EDGES, TASK_STATES } from "../../../src/queue/task.ts";

describe("the states of a task", () => {
  it("are drawn in docs/state-machine.md without an edge that is not legal", () => {
    const page = readFileSync(new URL("../../../docs/state-machine.md", import.meta.url), "utf8");
    const [, ofTasks = ""] = page.split("\n# The state of a task\n");
    const edges = [...ofTasks.matchAll(/^ {2}(\w+) --> (\w+)/gm)];

    expect(edges.length).toBeGreaterThan(15);
    for (const [, from = "", to = ""] of edges) {
      const known = TASK_STATES.find((state) => state === from);
      const next: readonly string[] = known === undefined ? [] : TASK_EDGES[known];
      expect(next.includes(to), `${from} → ${to}`).toBe(true);
    }
  });
});
