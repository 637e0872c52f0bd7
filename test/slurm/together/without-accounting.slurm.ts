import { describe, expect, it, onTestFinished } from "vitest";

import { SlurmCluster } from "../../../scripts/slurm/cluster.ts";
import { tempDir } from "../../helpers/temp-dir.ts";
import { ENDED, factsOf, makeRealProject, untilState } from "../real-cluster.ts";

describe("a SLURM without accounting", () => {
  it("is followed through its controller", async () => {
    const folder = tempDir("aexp-slurm-");
    const lite = await SlurmCluster.create(folder, { hasAccounting: false, cpus: 4 });
    onTestFinished(() => lite.stop());
    await lite.start();
    const project = await makeRealProject(lite);
    const [a, b] = await project.add("--sweep", "n=0..1", "--command", "exit {n}");
    if (a === undefined || b === undefined) throw new Error("no runs");
    const late = await project.addOne("--sp", "n=9", "--command", "exit 6");
    expect(await untilState(project, a, ENDED)).toBe("complete");
    expect(await untilState(project, b, ENDED)).toBe("failed");
    expect(factsOf(project, b)).toMatchObject({ exit_code: 1 });
    await untilState(project, late, ENDED);
    expect(factsOf(project, late)).toMatchObject({ status: "failed", exit_code: 6 });
    expect(await project.batch.inspect()).toMatchObject({ hasAccounting: false });
  });
});
