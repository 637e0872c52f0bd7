import { describe, expect, it } from "vitest";

import { makePipelineProject } from "../helpers/pipeline-project.ts";
import { makeQueueProject } from "../helpers/queue-project.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { startWorker, untilTold } from "../helpers/worker-process.ts";

/** So seldom does a worker look by itself in these tests: whatever it does, it was woken for. */
const NEVER = { AEXP_POLL_S: "1h", AEXP_LEASE_S: "1h" };

describe("a worker that sleeps", () => {
  it("executes at once what another process queues", async () => {
    const project = await makeQueueProject();
    const worker = startWorker(project.root, { id: "sleeper", isUntilEmpty: false, env: NEVER });
    await untilTold(worker, "up");

    for (const n of [1, 2, 3]) {
      await project.add("--sp", `n=${n}`, "--command", "true");
      const ended = await untilTold(worker, "ended", n);

      expect(ended.at(-1)).toMatchObject({ state: "complete" });
    }
  });

  it("starts at once what becomes possible when a lane is let go on", async () => {
    const project = await makeQueueProject();
    await project.ports.store.setLane("default", { isPaused: true });
    await project.add("--sp", "n=1", "--command", "true");
    const worker = startWorker(project.root, { id: "sleeper", isUntilEmpty: false, env: NEVER });
    await untilTold(worker, "up");

    await project.ports.store.setLane("default", { isPaused: false });

    expect(await untilTold(worker, "ended")).toMatchObject([{ state: "complete" }]);
  });

  it("starts at once what a lock of somebody else has kept waiting", async () => {
    const project = await makeQueueProject();
    const { store } = project.ports;
    await store.acquireLock("license", "me", 3_600_000, "test");
    await project.add("--sp", "n=1", "--resource", "license", "--command", "true");
    const worker = startWorker(project.root, { id: "sleeper", isUntilEmpty: false, env: NEVER });
    await untilTold(worker, "up");

    await store.releaseLock("license", "me");

    expect(await untilTold(worker, "ended")).toMatchObject([{ state: "complete" }]);
  });

  it("goes on at once with the next stage of a pipeline, and with the one that waited for its result", async () => {
    const project = await makePipelineProject();
    const worker = startWorker(project.root, { id: "sleeper", isUntilEmpty: false, env: NEVER });
    await untilTold(worker, "up");

    await project.submit();
    await project.submit();

    expect(await untilTold(worker, "ended", 3)).toHaveLength(3);
    await waitUntil("both pipelines", async () => {
      const groups = await project.groups();
      return groups.every(({ group }) => group.state === "complete");
    });
    expect(project.executed()).toEqual(["prepare", "train 0.1", "report"]);
  });

  it("ends a program at once when another process asks for it", async () => {
    const project = await makeQueueProject();
    const [id] = await project.add("--sp", "n=1", "--command", "sleep 600");
    const worker = startWorker(project.root, { id: "sleeper", isUntilEmpty: false, env: NEVER });
    await untilTold(worker, "started");

    await project.ports.store.requestStop(id === undefined ? [] : [id], "graceful", {
      code: "operator_stop",
      message: "no",
    });

    expect(await untilTold(worker, "ended")).toMatchObject([{ state: "stopped" }]);
  });
});
