import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";

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
  const project = await makeSlurmProject({ ...cluster.env, ...env });
  onTestFinished(async () => {
    const { stdout } = await cluster.run("squeue", "--noheader", "--array", "--format=%i|%Z");
    const left = stdout.split("\n").flatMap((line) => {
      const [id = "", folder = ""] = line.split("|");
      return folder.startsWith(`${project.root}/`) ? [id] : [];
    });
    if (left.length > 0) await cluster.run("scancel", "--quiet", ...left);
  });
  return project;
}

/** So long a test waits for what a fast machine does in a second. */
const PATIENCE_S = 200;

/** Looks at SLURM until a run is in one of these states; fails after a while. */
export async function untilState(
  project: SlurmProject,
  id: JobId,
  states: readonly string[],
  seconds = PATIENCE_S,
): Promise<string> {
  const what = `run ${id} to be ${states.join(" or ")}`;
  const probe = async (): Promise<string | undefined> => {
    const state = await project.stateOf(id);
    return state !== undefined && states.includes(state) ? state : undefined;
  };
  return await until(project, what, probe, seconds);
}

/** Looks at SLURM until all these runs have ended. */
export async function untilEnded(project: SlurmProject, ids: readonly JobId[]): Promise<void> {
  for (const id of ids) await untilState(project, id, ENDED);
}

/** Looks at SLURM until a run has made a file in its folder. */
export async function untilFile(project: SlurmProject, id: JobId, name: string): Promise<void> {
  const path = join(project.repo.runs.workspaceOf(id), name);
  await until(project, path, async () => existsSync(path) || undefined);
}

/** Tells a command to go on that waits for its file `go`; see {@link WAIT}. */
export function letGo({ repo }: SlurmProject, id: JobId): void {
  writeFileSync(join(repo.runs.workspaceOf(id), "go"), "");
}

/** A command that begins, and then waits until it may go on. */
export const WAIT = "echo x >> {workspace}/times; while [ ! -e {workspace}/go ]; do sleep 0.1; done";

/** How often a run was executed. */
export function timesOf({ repo }: SlurmProject, id: JobId): number {
  return readFileSync(join(repo.runs.workspaceOf(id), "times"), "utf8").length / 2;
}

/** The number that SLURM gave the job of a run's last attempt. */
export async function jobOf({ store }: SlurmProject, id: JobId): Promise<string> {
  const schedulerJobId = (await store.attempts(id)).at(-1)?.schedulerJobId;
  if (schedulerJobId === undefined) throw new Error(`run ${id} has no job`);
  return schedulerJobId;
}

/** How many jobs of a project are in SLURM, each element of an array counted; `--states=all` counts ended ones, too. */
export async function countJobs(
  cluster: SlurmCluster,
  { root }: SlurmProject,
  ...flags: readonly string[]
): Promise<number> {
  const { stdout } = await cluster.run("squeue", "--noheader", "--array", "--format=%Z", ...flags);
  return stdout.split("\n").filter((folder) => folder.startsWith(`${root}/`)).length;
}

/** Looks at SLURM until a condition holds; fails after a while. */
export async function until<T>(
  project: SlurmProject,
  what: string,
  probe: () => Promise<T | undefined>,
  seconds = PATIENCE_S,
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
