import { describe, expect, it } from "vitest";

import { renderPrometheus } from "../../../src/cli/render/queue-metrics.ts";
import { renderBytes } from "../../../src/cli/render/bytes.ts";
import type { LaneStats } from "../../../src/app/read-queue-stats.ts";

const LANE: LaneStats = {
  lane: 'gpu "big"\\',
  isPaused: true,
  maxRunning: 2,
  tasks: { queued: 3, running: 1 },
  queued: 3,
  blocked: 0,
  active: 1,
  oldestWaitMs: 1500,
  lockWaits: 1,
  attempts: 9,
  retries: 2,
  leasesLost: 1,
  claimMs: { count: 4, p50: 10, p95: 20, p99: 20, max: 30 },
  runMs: undefined,
};

describe("renderPrometheus", () => {
  it("gives every sample its metric's help and type once, and escapes labels", () => {
    const text = renderPrometheus({ lanes: [LANE], workers: { up: 1, draining: 0 }, outbox: { pending: 4, dead: 1 } });
    const lines = text.trimEnd().split("\n");

    expect(lines).toContain('aexp_queue_tasks{lane="gpu \\"big\\"\\\\",state="queued"} 3');
    expect(lines).toContain('aexp_queue_oldest_wait_seconds{lane="gpu \\"big\\"\\\\"} 1.5');
    expect(lines).toContain('aexp_queue_claim_seconds{lane="gpu \\"big\\"\\\\",quantile="0.95"} 0.02');
    expect(lines).toContain('aexp_queue_outbox{state="dead"} 1');
    expect(text).not.toContain("aexp_queue_run_seconds");
    const described = lines.flatMap((line) => /^# TYPE (\S+) /.exec(line)?.[1] ?? []);
    expect(described).toHaveLength(new Set(described).size);
    for (const line of lines.filter((one) => !one.startsWith("#"))) {
      const [, name = ""] = /^([a-z_]+)\{.*\} -?\d+(?:\.\d+)?$/.exec(line) ?? [];
      expect(described).toContain(name);
    }
  });

  it("leaves out the limit of a lane without one", () => {
    const { maxRunning: _, ...rest } = LANE;
    const text = renderPrometheus({
      lanes: [{ ...rest, maxRunning: undefined }],
      workers: { up: 0, draining: 0 },
      outbox: { pending: 0, dead: 0 },
    });

    expect(text).not.toContain("max_running");
  });
});

describe("renderBytes", () => {
  it.each([
    [0, "0 bytes"],
    [1023, "1023 bytes"],
    [1536, "1.5 KiB"],
    [5 * 1024 ** 3, "5 GiB"],
  ])("shows %d as %s", (bytes, text) => expect(renderBytes(bytes)).toBe(text));
});
