import { describe, expect, it } from "vitest";

import { judgeWorkLeft, type Service } from "../../../src/app/work-left.ts";
import { parsePools } from "../../../src/queue/pool.ts";
import { spec, task } from "../../helpers/tasks.ts";

const SERVICE: Service = {
  pools: parsePools("*=1"),
  lanes: undefined,
  owner: "ana",
  machine: "laptop",
  ids: undefined,
};
const LANES = new Map([
  ["default", { isPaused: false, maxRunning: undefined }],
  ["paused", { isPaused: true, maxRunning: undefined }],
  ["closed", { isPaused: false, maxRunning: 0 }],
]);

describe("what is left for a worker", () => {
  it.each([
    ["nothing", [], { isAny: false, stuck: 0 }],
    ["a queued run", [task("a", "queued")], { isAny: true, stuck: 0 }],
    ["a run that somebody executes", [task("a", "running")], { isAny: true, stuck: 0 }],
    ["a run of a paused lane", [task("a", "queued", { spec: spec({ lane: "paused" }) })], { isAny: false, stuck: 1 }],
    [
      "a run of a lane without slots",
      [task("a", "queued", { spec: spec({ lane: "closed" }) })],
      { isAny: false, stuck: 1 },
    ],
    ["a blocked run that nobody will free", [task("a", "blocked")], { isAny: false, stuck: 1 }],
    [
      "a blocked run while another's run is under way",
      [task("a", "blocked"), task("b", "running", { owner: "bob" })],
      { isAny: true, stuck: 0 },
    ],
    ["a run of another user", [task("a", "queued", { owner: "bob" })], { isAny: false, stuck: 0 }],
  ])("%s", (_what, open, expected) => {
    expect(judgeWorkLeft(open, LANES, SERVICE)).toEqual(expected);
  });

  it("counts only the kinds and lanes that it serves", () => {
    const open = [task("a", "queued", { spec: spec({ kind: "train" }) })];

    expect(judgeWorkLeft(open, LANES, { ...SERVICE, pools: parsePools("store=1") })).toEqual({
      isAny: false,
      stuck: 0,
    });
    expect(judgeWorkLeft(open, LANES, { ...SERVICE, pools: parsePools("train=1") }).isAny).toBe(true);
    expect(judgeWorkLeft(open, LANES, { ...SERVICE, lanes: ["gpu"] }).isAny).toBe(false);
    expect(judgeWorkLeft(open, LANES, { ...SERVICE, ids: [] }).isAny).toBe(false);
  });
});
