import { expect, it } from "vitest";

import { ENDED, factsOf, makeRealProject, theCluster, untilState } from "../real-cluster.ts";

const cluster = theCluster();

// SLURM takes a minute and a half for this, and so it has a file of its own, which runs beside the others.
it("a job of a real SLURM times out, and is recorded so", async () => {
  const project = await makeRealProject(cluster);
  const id = await project.addOne("--sp", "n=1", "--time", "1", "--command", "echo begun; sleep 600");

  await untilState(project, id, ENDED, 400);

  expect(factsOf(project, id)).toMatchObject({ status: "failed", reason: { code: "timeout" } });
  expect(project.repo.attempts.logTail(id, 1, "stdout", 100)).toBe("begun\n");
});
