import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";

import type { Repo } from "../../src/app/repo.ts";
import { type AexpProcess, startAexp } from "../helpers/aexp-process.ts";
import { makeProject } from "../helpers/project.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const KILLS = 20;
const LANES = 4;
const SEED = 20260301;
/** Says when it begins and ends, so that two at once would show. */
const PROGRAM =
  'echo begin >> "$AEXP_JOB_WORKSPACE/trace"; echo \'{"x": 1}\' >> "$AEXP_METRICS_FILE"; echo end >> "$AEXP_JOB_WORKSPACE/trace"';

/** Fixed fractions between 0 and 1. */
function fractions(seed: number, count: number): readonly number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  });
}

function callOf(kill: number): readonly string[] {
  return ["run", "--experiment", "E001", "--sp", `kill=${kill}`, "--", "sh", "-c", PROGRAM];
}

it("comes to one consistent end when aexp is killed at any point and called again", async () => {
  // Each lane in a repository of its own: what a killed aexp has locked is free after four seconds, which add up.
  const points = fractions(SEED, KILLS);
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    const { root, repo } = await makeProject(`lane-${lane}`);
    const undisturbed = await startAndRegister(root, repo, -1);
    const registeredMs = performance.now();
    await undisturbed.ended;
    const usualMs = performance.now() - registeredMs;
    const interrupted: string[] = [];
    for (const [kill, fraction] of points.entries()) {
      if (kill % LANES === lane) interrupted.push(...(await survive(root, repo, kill, usualMs * fraction)));
    }
    expectConsistent(repo, KILLS / LANES + 1);
    return interrupted;
  });

  // Otherwise this test would prove nothing.
  expect((await Promise.all(lanes)).flat().length).toBeGreaterThan(KILLS / 10);
});

async function startAndRegister(root: string, repo: Repo, kill: number): Promise<AexpProcess> {
  const count = repo.runs.listJobIds().length;
  const aexp = startAexp(root, callOf(kill));
  while (aexp.child.exitCode === null && repo.runs.listJobIds().length === count) await sleep(1);
  return aexp;
}

/** Kills a call that long after it has registered its run, and calls again until the run is finished. */
async function survive(root: string, repo: Repo, kill: number, delayMs: number): Promise<readonly string[]> {
  const aexp = await startAndRegister(root, repo, kill);
  await Promise.race([aexp.ended, sleep(delayMs)]);
  aexp.child.kill("SIGKILL");
  await aexp.ended;
  const left = repo.runs.newestJobId();
  const interrupted =
    left === undefined || repo.ledger.has(left) ? [] : [repo.runs.read(left).document.facts.status ?? "none"];
  const told = await waitUntil("a call that is not refused as busy", async () => {
    const again = startAexp(root, callOf(kill));
    const { exitCode } = await again.ended;
    return exitCode !== 75 && `exit ${exitCode}: ${again.printed.stderr}`;
  });
  expect(told).toMatch(/^exit 0: |^exit 2: .*is complete already/);
  return interrupted;
}

function expectConsistent(repo: Repo, count: number): void {
  const jobIds = repo.runs.listJobIds();
  expect(jobIds).toHaveLength(count);
  expect(repo.ledger.listJobIds()).toEqual(jobIds);
  for (const jobId of jobIds) {
    expect(repo.ledger.read(jobId)?.kind).toBe("entry");
    const { facts, problems } = repo.runs.read(jobId).document;
    expect(problems).toEqual([]);
    expect(facts).toMatchObject({ status: "complete", exit_code: 0, summary_metrics: { x: 1 } });
    expect(facts.queue).toBeUndefined();
    expect(facts.attempts?.map(({ n }) => n)).toEqual(Array.from({ length: facts.attempt ?? 0 }, (_, i) => i + 1));
    const trace = readFileSync(join(repo.runs.workspaceOf(jobId), "trace"), "utf8");
    expect(trace).toMatch(/^(?:begin\n(?:end\n)?)*begin\nend\n$/);
  }
  for (const file of globSync("workspace/**/*.json", { cwd: repo.runs.path }))
    expect(parses(join(repo.runs.path, file)), `${file} is torn`).toBe(true);
}

function parses(file: string): boolean {
  try {
    JSON.parse(readFileSync(file, "utf8"));
    return true;
  } catch {
    return false;
  }
}
