import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Progress } from "../../../src/cli/progress.ts";

describe("Progress", () => {
  let nowMs = 0;
  beforeEach(() => {
    nowMs = 0;
    vi.spyOn(performance, "now").mockImplementation(() => nowMs);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("shows nothing for half a second, then a counter that is cleared in the end", () => {
    const { progress, written } = start(true);
    const countTotal = vi.fn<() => number>(() => 12_000);
    progress.update(1, countTotal);
    nowMs = 499;
    progress.update(900, countTotal);
    expect(written()).toBe("");
    expect(countTotal).not.toHaveBeenCalled();

    nowMs = 500;
    progress.update(1000, countTotal);
    nowMs = 550;
    progress.update(1100, countTotal);
    nowMs = 600;
    progress.update(1200, countTotal);
    progress.end();
    expect(written()).toBe("reading: 1,000 of 12,000\u001b[K\rreading: 1,200 of 12,000\u001b[K\r\u001b[K");
    expect(countTotal).toHaveBeenCalledTimes(1);
  });

  it("is silent where stderr is no terminal", () => {
    const { progress, written } = start(false);
    nowMs = 10_000;
    progress.update(5, () => 10);
    progress.end();
    expect(written()).toBe("");
  });
});

function start(isTTY: boolean): { progress: Progress; written: () => string } {
  let text = "";
  const write = (data: string | Uint8Array): unknown => (text += String(data));
  return { progress: new Progress({ isTTY, columns: 80, write }, "reading:"), written: () => text };
}
