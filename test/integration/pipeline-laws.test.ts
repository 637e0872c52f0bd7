import fc from "fast-check";
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";

import { isTerminalState } from "../../src/queue/task.ts";
import { runCli } from "../helpers/cli.ts";
import { GraphModel, graphFile, histories, makeGraphProject, setFailing } from "../helpers/pipeline-model.ts";
import { pathOfOutput, type PipelineProject, readOutput, statesOf, taskOf } from "../helpers/pipeline-project.ts";
import { untilDelivered } from "../helpers/queue-audit.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { killWorker, startWorker, type WorkerProcess } from "../helpers/worker-process.ts";
import type { PipelineGroup } from "../../src/app/show-pipeline.ts";

/** How many histories are tried, where that is said: a step takes a server longer than a file. */
const LAW_RUNS = process.env["AEXP_LAW_RUNS"] === undefined ? undefined : Number(process.env["AEXP_LAW_RUNS"]);

const remove = (path: string): void => rmSync(path, { force: true });

/** Of each stage what its run wrote; `undefined` where it did not succeed. */
async function textsOf(project: PipelineProject, group: PipelineGroup): Promise<readonly (string | undefined)[]> {
  const texts: (string | undefined)[] = [];
  for (const place of group.stages.keys()) {
    const task = taskOf(group, `s${place}`);
    const hasOutput = task.state === "complete" || task.state === "cached";
    texts.push(hasOutput ? await readOutput(project, task.id) : undefined);
  }
  return texts;
}

describe("any graph of stages", () => {
  it("executes exactly what is affected by a change, a failure or a loss, and gives what an execution gives", async () => {
    const { project, failures } = await makeGraphProject();
    let graphs = 0;
    await fc.assert(
      fc.asyncProperty(histories(6, 3), async ({ dag, rounds }) => {
        // Each graph is new to the cache.
        const salt = `    cache_salt: "${(graphs += 1)}"\n`;
        const model = new GraphModel(dag);
        let last: PipelineGroup | undefined;
        for (const { params, failing, harmed } of [...rounds, ...rounds.slice(-1).map(settled)]) {
          for (const place of last === undefined ? [] : harmed) {
            const task = last && taskOf(last, `s${place}`);
            if (task?.state !== "complete" && task?.state !== "cached") continue;
            remove(await pathOfOutput(project, task.id));
            model.harm(place);
          }
          setFailing(failures, dag, failing, remove);
          project.write("pipeline.yaml", graphFile(dag, params).replaceAll("    sp:", `${salt}    sp:`));
          const expected = model.play({ params, failing });

          const { pipeline } = await project.run();

          const byStage = expected.map(({ state }, place) => [`s${place}`, state]);
          expect(statesOf(pipeline)).toEqual(Object.fromEntries(byStage));
          expect(await textsOf(project, pipeline)).toEqual(expected.map(({ text }) => text));
          const begun = project.executed().flatMap((line) => {
            const [what, stage, p] = line.split(" ");
            return what === "begin" ? [`begin ${stage} ${p}`] : [];
          });
          const executed = expected.flatMap(({ state }, place) =>
            state === "complete" || state === "failed" ? [`begin s${place} ${params[place] ?? 0}`] : [],
          );
          expect(begun.toSorted()).toEqual(executed.toSorted());
          last = pipeline;
        }
      }),
      { numRuns: LAW_RUNS ?? 6, endOnFailure: true },
    );
  }, 240_000);

  it("executes nothing twice at a time, and leaves nobody waiting, whoever is killed", async () => {
    const { project, failures } = await makeGraphProject();
    let graphs = 0;
    await fc.assert(
      fc.asyncProperty(
        histories(6, 2),
        fc.array(fc.integer({ min: 0, max: 600 }), { minLength: 2, maxLength: 3 }),
        async ({ dag, rounds }, delays) => {
          const salt = `    cache_salt: "killed ${(graphs += 1)}"\n`;
          setFailing(failures, dag, rounds[0]?.failing ?? [], remove);
          const groups: PipelineGroup[] = [];
          for (const { params } of [...rounds, ...rounds]) {
            project.write("pipeline.yaml", graphFile(dag, params).replaceAll("    sp:", `${salt}    sp:`));
            groups.push(await project.submit());
          }
          for (const [round, delay] of delays.entries()) {
            const worker = startWorker(project.root, { id: `${graphs}-${round}`, isUntilEmpty: false });
            await up(worker);
            await sleep(delay);
            await killWorker(worker);
          }
          setFailing(failures, dag, [], remove);
          await project.work();
          await untilAllComplete(project, groups);

          expectOneAtATime(project.executed());
          await untilDelivered(project.root, project.ports.store);
          for (const [index, submitted] of groups.entries()) {
            const { params } = [...rounds, ...rounds][index] ?? { params: [] };
            const group = await project
              .groups()
              .then((all) => all.find(({ group: { id } }) => id === submitted.group.id));
            const expected = new GraphModel(dag).play({ params, failing: [] });
            expect(group && (await textsOf(project, group))).toEqual(expected.map(({ text }) => text));
          }
          const again = await project.run();
          expect(Object.values(statesOf(again.pipeline))).toEqual(dag.map(() => "cached"));
        },
      ),
      { numRuns: LAW_RUNS ?? 4, endOnFailure: true },
    );
    expect(project.executed()).toEqual([]);
    const open = (await project.ports.store.tasks({})).filter(({ state }) => !isTerminalState(state));
    expect(open).toEqual([]);
  }, 240_000);
});

function settled<T extends { readonly failing: readonly number[]; readonly harmed: readonly number[] }>(round: T): T {
  return { ...round, failing: [], harmed: [] };
}

async function up(worker: WorkerProcess): Promise<void> {
  await waitUntil("the worker", () => worker.told("up").length > 0);
}

/** A kill may have been a loss, and a program may have been told to fail: both are repeated. */
async function untilAllComplete(project: PipelineProject, groups: readonly PipelineGroup[]): Promise<void> {
  const ids = new Set(groups.map(({ group }) => group.id));
  for (let tries = 0; tries < 10; tries += 1) {
    const open = (await project.groups()).filter(({ group }) => ids.has(group.id) && group.state !== "complete");
    if (open.length === 0) return;
    for (const { group } of open) await runCli(project.root, ["pipeline", "retry", group.id]);
    await project.work();
  }
  throw new Error("not all pipelines are complete, however often they are repeated");
}

/**
 * Stages with the same name, parameter and inputs have one cache key. A program outlives its worker, so that each one
 * which began says its end.
 */
function expectOneAtATime(lines: readonly string[]): void {
  const open = new Map<string, number>();
  for (const line of lines) {
    const [what = "", ...rest] = line.split(" ");
    const key = rest.join(" ");
    open.set(key, (open.get(key) ?? 0) + (what === "begin" ? 1 : -1));
    expect(open.get(key), `it said: ${lines.join("\n")}`).toBeLessThanOrEqual(1);
  }
}
