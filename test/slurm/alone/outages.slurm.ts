import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import type { SlurmProject } from "../../helpers/slurm-project.ts";
import {
  ENDED,
  factsOf,
  letGo,
  makeRealProject,
  theCluster,
  timesOf,
  until,
  untilEnded,
  untilFile,
  untilState,
  WAIT,
} from "../real-cluster.ts";

const cluster = theCluster();

/** Looks several times, with pauses in which SLURM may do what it does. */
async function lookAround(project: SlurmProject, times: number): Promise<void> {
  for (let look = 0; look < times; look += 1) {
    await project.tick();
    await sleep(1000);
  }
}

describe("while parts of SLURM are down", () => {
  it("a run is lost with its node", async () => {
    const project = await makeRealProject(cluster);
    const id = await project.addOne("--sp", "n=1", "--command", "sleep 100");
    await untilState(project, id, ["running"]);

    await cluster.run("scontrol", "update", "nodename=n1", "state=down", "reason=test");
    try {
      expect(await untilState(project, id, ENDED)).toBe("failed");
    } finally {
      // It may have come back by itself.
      await cluster.run("scontrol", "update", "nodename=n1", "state=resume").catch(() => undefined);
      await cluster.start();
    }

    expect(factsOf(project, id)).toMatchObject({ reason: { code: "lost" } });
  });

  it("no status is invented without the controller, and nothing is lost", async () => {
    const project = await makeRealProject(cluster);
    const running = await project.addOne("--sp", "n=1", "--command", WAIT);
    const ending = await project.addOne("--sp", "n=2", "--command", WAIT);
    await untilState(project, running, ["running"]);
    await untilState(project, ending, ["running"]);
    await cluster.stopDaemon("slurmctld");
    letGo(project, ending);
    const later = await project.addOne("--sp", "n=3", "--command", "true");
    try {
      await lookAround(project, 4);
      expect(await project.stateOf(running)).toBe("running");
      expect(await project.stateOf(later)).toBe("queued");
      expect(["running", "complete"]).toContain(await project.stateOf(ending));
    } finally {
      await cluster.start();
    }
    letGo(project, running);
    const ids = [running, ending, later];
    await untilEnded(project, ids);

    expect(ids.map((id) => factsOf(project, id).status)).toEqual(["complete", "complete", "complete"]);
  });

  it("no status is invented without the accounting", async () => {
    const project = await makeRealProject(cluster);
    const id = await project.addOne("--sp", "n=1", "--command", `${WAIT}; exit 4`);
    await untilState(project, id, ["running"]);
    await cluster.stopDaemon("slurmdbd");
    letGo(project, id);
    try {
      await lookAround(project, 4);
      expect(await project.stateOf(id)).toBe("running");
    } finally {
      await cluster.startDaemon("slurmdbd");
    }

    await untilState(project, id, ENDED);

    expect(factsOf(project, id)).toMatchObject({ status: "failed", exit_code: 4 });
  });

  it("no command is executed twice when the controller is killed and starts jobs again", async () => {
    const project = await makeRealProject(cluster);
    const alone = await project.addOne("--sp", "n=1", "--sbatch=--comment=alone", "--command", WAIT);
    const ids = [alone, ...(await project.add("--sweep", "n=2..3", "--command", WAIT))];
    for (const id of ids) {
      await untilState(project, id, ["running"]);
      await untilFile(project, id, "times");
    }
    const killed = cluster.pidOf("slurmctld");
    await cluster.stopDaemon("slurmctld", "SIGKILL");
    await cluster.start();
    await lookAround(project, 10);
    for (const id of ids) letGo(project, id);
    await until(project, "their ends", async () => {
      // The controller may have forgotten jobs, and such a job is not given up at once.
      project.advance(60_000);
      return (await project.store.tasks({ states: ["complete", "failed"] })).length === ids.length || undefined;
    });

    expect(killed).toBeTypeOf("number");
    expect(cluster.pidOf("slurmctld")).toBeTypeOf("number");
    expect(cluster.pidOf("slurmctld")).not.toBe(killed);
    for (const id of ids) {
      const { status, reason } = factsOf(project, id);
      expect(timesOf(project, id)).toBe(1);
      // SLURM may go on with the job, or start it again; then nobody can say how the first start would have ended.
      expect(["complete", "failed: lost"]).toContain(reason === undefined ? status : `${status}: ${reason.code}`);
    }
  });
});

describe("aexp doctor", () => {
  it("says so when the controller does not answer", async () => {
    const project = await makeRealProject(cluster);
    await cluster.stopDaemon("slurmctld");
    try {
      expect(await project.batch.inspect()).toMatchObject({ problem: expect.stringContaining("DOWN") });
    } finally {
      await cluster.start();
    }
  });
});
