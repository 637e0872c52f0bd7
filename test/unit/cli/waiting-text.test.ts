import { describe, expect, it } from "vitest";

import { explainWaiting, renderWaiting, toWaitingJson } from "../../../src/cli/render/waiting.ts";
import { idOf } from "../../contract/queue-kit.ts";
import { NOW } from "../../helpers/tasks.ts";

const CONTEXT = { nowMs: NOW, isTTY: false };

describe("what a stage waits for", () => {
  it("names the run that computes the same", () => {
    const waiting = { kind: "same_work", leader: idOf("a") } as const;

    expect(renderWaiting(waiting, CONTEXT)).toBe("0cc175b9 (same work)");
    expect(explainWaiting(waiting, CONTEXT)).toBe("it waits for 0cc175b9, which computes the same");
    expect(toWaitingJson(waiting)).toEqual({ kind: "same_work", run: idOf("a") });
  });

  it("says where somebody has to look for its result", () => {
    const waiting = { kind: "lookup", machine: "laptop" } as const;

    expect(renderWaiting(waiting, CONTEXT)).toBe("a look for its result");
    expect(explainWaiting(waiting, CONTEXT)).toBe("it waits until a worker on laptop has looked for its result");
    expect(toWaitingJson(waiting)).toEqual(waiting);
  });
});
