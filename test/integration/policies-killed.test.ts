import { readdirSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";

import type { PipelineProject } from "../helpers/pipeline-project.ts";
import { firesOf, holdGit, makePolicyProject, ONE_MODEL, runsOf } from "../helpers/policies.ts";
import { databaseOf, killWorker, startWorker } from "../helpers/worker-process.ts";
import { waitUntil } from "../helpers/wait-until.ts";

/** With code of its own, which is kept before a run of it is submitted. */
const EVALUATE = "  evaluate: {on: {kind: model}, command: ./note evaluate, code: {paths: note}}\n";

/** One run was submitted and executed, and nothing of another one is left. */
async function expectOneRun(project: PipelineProject): Promise<void> {
  const runs = await runsOf(project, "evaluate");
  expect(runs.map(({ state }) => state)).toEqual(["complete"]);
  expect(await firesOf(project, "evaluate")).toMatchObject([{ run: runs[0]?.id }]);
  expect(project.executed()).toEqual(["train 1", "evaluate"]);
  const known = (await project.ports.store.tasks({})).map(({ id }) => id);
  expect(foldersOf(project)).toEqual(known.toSorted());
}

function foldersOf({ repo }: PipelineProject): readonly string[] {
  return readdirSync(`${repo.runs.path}/workspace`)
    .filter((name) => /^[0-9a-f]{32}$/.test(name))
    .toSorted();
}

it("a policy whose worker is killed after the output was seen is fired by the next one, once", async () => {
  const project = await makePolicyProject(ONE_MODEL, EVALUATE);
  await project.submit();
  const git = holdGit();
  const worker = startWorker(project.root, { id: "first", env: { PATH: git.path } });
  await waitUntil("the policy", git.isReached);
  await killWorker(worker);
  expect(await runsOf(project, "evaluate")).toEqual([]);
  git.release();

  expect((await startWorker(project.root, { id: "second" }).ended).exitCode).toBe(0);

  await expectOneRun(project);
});

it("a policy whose worker is killed before its run was submitted, but had a folder, is fired once", async () => {
  const project = await makePolicyProject(ONE_MODEL, EVALUATE);
  await project.submit();
  const git = holdGit();
  const worker = startWorker(project.root, { id: "first", env: { PATH: git.path } });
  await waitUntil("the policy", git.isReached);
  const before = foldersOf(project).length;
  {
    // Nothing is written to the queue from here on.
    using db = new DatabaseSync(databaseOf(project.root), { timeout: 60_000 });
    db.exec("BEGIN IMMEDIATE");
    git.release();
    await waitUntil("the folder of the run", () => foldersOf(project).length > before);
    await killWorker(worker);
    db.exec("ROLLBACK");
  }
  expect(await runsOf(project, "evaluate")).toEqual([]);

  expect((await startWorker(project.root, { id: "second" }).ended).exitCode).toBe(0);

  await expectOneRun(project);
});

it("a policy that several workers see to at once is fired once for each output", async () => {
  const lrs = [1, 2, 3, 4, 5, 6];
  const pipeline = ONE_MODEL.replace("sp: {lr: 1}", `sweep: {lr: [${lrs.join(", ")}]}`);
  const project = await makePolicyProject(pipeline, EVALUATE);
  await project.submit();

  const workers = ["a", "b", "c"].map((id) => startWorker(project.root, { id, pools: "*=1" }));
  for (const { ended } of workers) expect((await ended).exitCode).toBe(0);

  const runs = await runsOf(project, "evaluate");
  expect(runs).toHaveLength(lrs.length);
  expect(runs.every(({ state }) => state === "complete" || state === "cached")).toBe(true);
  const fires = await firesOf(project, "evaluate");
  expect(fires.map(({ run }) => run).toSorted()).toEqual(runs.map(({ id }) => id).toSorted());
  expect(new Set(fires.map(({ source }) => source)).size).toBe(lrs.length);
  expect(foldersOf(project)).toHaveLength(2 * lrs.length);
});
