import { setTimeout as sleep } from "node:timers/promises";

import { SlurmCluster } from "../../scripts/slurm/cluster.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { makeSlurmProject, type SlurmProject } from "../helpers/slurm-project.ts";

/** The cluster that `npm run test:slurm` has started. */
export function theCluster(): SlurmCluster {
  const folder = process.env["AEXP_SLURM_FOLDER"];
  if (folder === undefined) throw new Error("there is no cluster: run these tests with `npm run test:slurm`");
  return new SlurmCluster(folder);
}

/** A project whose default lane is served by a cluster. */
export async function makeRealProject(
  cluster: SlurmCluster,
  env: Readonly<Record<string, string>> = {},
): Promise<SlurmProject> {
  return await makeSlurmProject({ ...cluster.env, ...env });
}

/** Looks at SLURM until a run is in one of these states; fails after a while. */
export async function untilState(
  project: SlurmProject,
  id: JobId,
  states: readonly string[],
  seconds = 60,
): Promise<string> {
  return await until(project, `run ${id} to be ${states.join(" or ")}`, seconds, async () => {
    const state = await project.stateOf(id);
    return state !== undefined && states.includes(state) ? state : undefined;
  });
}

/** Looks at SLURM until a condition holds; fails after a while. */
export async function until<T>(
  project: SlurmProject,
  what: string,
  seconds: number,
  probe: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    await project.tick();
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() > deadline) {
      throw new Error(`waited ${seconds} s for ${what}; told: ${JSON.stringify(project.events)}`);
    }
    await sleep(250);
  }
}

export const ENDED = ["complete", "failed", "stopped"];

/** What the document of a run says. */
export function factsOf({ repo }: SlurmProject, id: JobId) {
  return repo.runs.read(id).document.facts;
}
