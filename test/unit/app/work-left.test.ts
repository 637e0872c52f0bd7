import { describe, expect, it } from "vitest";

import { judgeWorkLeft, type Service } from "../../../src/app/work-left.ts";
import { parsePools } from "../../../src/queue/pool.ts";
import { idOf } from "../../contract/queue-kit.ts";
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
    ["nothing", [], { isAny: false, stuck: 0, leaders: [] }],
    ["a queued run", [task("a", "queued")], { isAny: true, stuck: 0, leaders: [] }],
    ["a run that somebody executes", [task("a", "running")], { isAny: true, stuck: 0, leaders: [] }],
    [
      "a run of a paused lane",
      [task("a", "queued", { spec: spec({ lane: "paused" }) })],
      { isAny: false, stuck: 1, leaders: [] },
    ],
    [
      "a run of a lane without slots",
      [task("a", "queued", { spec: spec({ lane: "closed" }) })],
      { isAny: false, stuck: 1, leaders: [] },
    ],
    ["a blocked run that nobody will free", [task("a", "blocked")], { isAny: false, stuck: 1, leaders: [] }],
    [
      "a blocked run while another's run is under way",
      [task("a", "blocked"), task("b", "running", { owner: "bob" })],
      { isAny: true, stuck: 0, leaders: [] },
    ],
    ["a run of another user", [task("a", "queued", { owner: "bob" })], { isAny: false, stuck: 0, leaders: [] }],
  ])("%s", (_what, open, expected) => {
    expect(judgeWorkLeft(open, LANES, SERVICE)).toEqual(expected);
  });

  it("counts only the kinds and lanes that it serves", () => {
    const open = [task("a", "queued", { spec: spec({ kind: "train" }) })];

    expect(judgeWorkLeft(open, LANES, { ...SERVICE, pools: parsePools("store=1") })).toEqual({
      isAny: false,
      stuck: 0,
      leaders: [],
    });
    expect(judgeWorkLeft(open, LANES, { ...SERVICE, pools: parsePools("train=1") }).isAny).toBe(true);
    expect(judgeWorkLeft(open, LANES, { ...SERVICE, lanes: ["gpu"] }).isAny).toBe(false);
    expect(judgeWorkLeft(open, LANES, { ...SERVICE, ids: [] }).isAny).toBe(false);
  });

  it("is what others have and its own wait for, as long as nobody executes it", () => {
    const follower = { ...task("mine", "blocked"), follows: idOf("leader") };
    const own = { ...SERVICE, ids: [idOf("mine")] };
    const open = [follower, task("leader", "queued"), task("stranger", "queued")];

    expect(judgeWorkLeft(open, LANES, own)).toEqual({ isAny: true, stuck: 0, leaders: [idOf("leader")] });
    expect(judgeWorkLeft([follower, task("leader", "queued", { spec: spec({ lane: "paused" }) })], LANES, own)).toEqual(
      {
        isAny: false,
        stuck: 1,
        leaders: [],
      },
    );
    expect(judgeWorkLeft([follower, task("leader", "running")], LANES, own)).toMatchObject({
      isAny: true,
      leaders: [],
    });
  });
});
