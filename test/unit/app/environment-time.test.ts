import { expect, it } from "vitest";

import { readTimeMs } from "../../../src/app/environment-time.ts";
import { readQueueTiming } from "../../../src/app/queue-timing.ts";

it("reads a time of the environment, and has the usual one when the variable is absent or empty", () => {
  expect(readTimeMs({ AEXP_GRACE_S: "1.5" }, "AEXP_GRACE_S")).toBe(1500);
  expect(readTimeMs({ AEXP_GRACE_S: "2m" }, "AEXP_GRACE_S")).toBe(120_000);
  expect(readTimeMs({}, "AEXP_GRACE_S")).toBe(10_000);
  expect(readTimeMs({ AEXP_HEARTBEAT_S: "" }, "AEXP_HEARTBEAT_S")).toBe(30_000);
});

it("names the variable whose text is no time", () => {
  expect(() => readTimeMs({ AEXP_GRACE_S: "soon" }, "AEXP_GRACE_S")).toThrow(
    expect.objectContaining({
      code: "cli.usage",
      message: expect.stringContaining('AEXP_GRACE_S="soon" is not a duration'),
    }),
  );
});

it("has the usual times of a queue", () => {
  expect(readQueueTiming({})).toEqual({
    leaseMs: 60_000,
    renewMs: 15_000,
    fenceMs: 45_000,
    pollMs: 1000,
    reapMs: 15_000,
    heartbeatMs: 30_000,
  });
});
