import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { work } from "../../../src/app/work.ts";
import { parsePools } from "../../../src/queue/pool.ts";
import { currentUser } from "../../../src/wiring/current-user.ts";
import { openWork } from "../../../src/wiring/open-work.ts";
import { ENDED, makeRealProject, theCluster, untilState } from "../real-cluster.ts";

const cluster = theCluster();
const PACKAGE_ROOT = join(import.meta.dirname, "..", "..", "..");

describe("a job of a real SLURM", () => {
  it("lets local runs follow, and follows them", async () => {
    const project = await makeRealProject(cluster);
    await project.store.setLane("here", {});
    const local = ["--lane", "here"];
    const first = await project.addOne("--sp", "n=1", "--name", "first", "--command", "true");
    await project.add("--sp", "n=2", "--name", "second", "--needs", "first", ...local, "--command", "true");
    const third = await project.addOne("--sp", "n=3", "--needs", "second", "--command", "true");
    const broken = await project.addOne("--sp", "n=4", "--name", "broken", "--command", "false");
    const skipped = await project.addOne("--sp", "n=5", "--needs", "broken", ...local, "--command", "true");
    await untilState(project, first, ENDED);
    await untilState(project, broken, ENDED);

    await using ports = await openWork(project.repo, { workerId: "w", env: process.env, packageRoot: PACKAGE_ROOT });
    await work(project.repo, ports, {
      workerId: "w",
      pools: parsePools("*=1"),
      isUntilEmpty: true,
      drainMs: undefined,
      timing: { leaseMs: 60_000, renewMs: 15_000, fenceMs: 45_000, pollMs: 20, reapMs: 15_000, heartbeatMs: 30_000 },
      minFreeBytes: 0,
      owner: currentUser(),
      env: process.env,
      observe: () => undefined,
      ids: (await project.store.tasks({ lane: "here" })).map(({ id }) => id),
    });

    expect(await untilState(project, third, ENDED)).toBe("complete");
    expect(await project.stateOf(skipped)).toBe("skipped");
  });
});
