import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";

import type { RunStore } from "../../src/run/run-store.ts";
import { type AexpProcess, startAexp } from "../helpers/aexp-process.ts";
import { makeProject } from "../helpers/project.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const KILLS = 20;
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

/** Settles once a store has more runs than before, or the process that should register one has ended. */
async function untilRegistered(store: RunStore, count: number, aexp: AexpProcess): Promise<void> {
  while (aexp.child.exitCode === null && store.listJobIds().length === count) await sleep(1);
}

it("comes to one consistent end when aexp is killed at any point and called again", async () => {
  const { root, repo } = await makeProject();
  const start = async (kill: number) => {
    const count = repo.runs.listJobIds().length;
    const aexp = startAexp(root, callOf(kill));
    await untilRegistered(repo.runs, count, aexp);
    return aexp;
  };
  const undisturbed = await start(-1);
  const registeredMs = performance.now();
  await undisturbed.ended;
  const usualMs = performance.now() - registeredMs;
  const interrupted: string[] = [];

  for (const [kill, fraction] of fractions(SEED, KILLS).entries()) {
    const aexp = await start(kill);
    await Promise.race([aexp.ended, sleep(usualMs * fraction)]);
    aexp.child.kill("SIGKILL");
    await aexp.ended;
    const left = repo.runs.newestJobId();
    if (left !== undefined && !repo.ledger.has(left))
      interrupted.push(repo.runs.read(left).document.facts.status ?? "none");
    const told = await waitUntil("a call that is not refused as busy", async () => {
      const again = startAexp(root, callOf(kill));
      const { exitCode } = await again.ended;
      return exitCode !== 75 && `exit ${exitCode}: ${again.printed.stderr}`;
    });
    expect(told).toMatch(/^exit 0: |^exit 2: .*is complete already/);
  }

  // Otherwise this test would prove nothing.
  expect(interrupted.length).toBeGreaterThan(KILLS / 4);
  const jobIds = repo.runs.listJobIds();
  expect(jobIds).toHaveLength(KILLS + 1);
  expect(repo.ledger.listJobIds()).toEqual(jobIds);
  expect(jobIds.map((jobId) => repo.ledger.read(jobId)?.kind)).toEqual(jobIds.map(() => "entry"));
  for (const jobId of jobIds) {
    const { facts, problems } = repo.runs.read(jobId).document;
    expect(problems).toEqual([]);
    expect(facts).toMatchObject({ status: "complete", exit_code: 0, summary_metrics: { x: 1 } });
    expect(facts.queue).toBeUndefined();
    expect(facts.attempts?.map(({ n }) => n)).toEqual(Array.from({ length: facts.attempt ?? 0 }, (_, i) => i + 1));
    const trace = readFileSync(join(repo.runs.workspaceOf(jobId), "trace"), "utf8");
    expect(trace).toMatch(/^(?:begin\n(?:end\n)?)*begin\nend\n$/);
  }
  for (const file of globSync(["workspace/**/*.json"], { cwd: repo.runs.path }))
    expect(parses(join(repo.runs.path, file)), `${file} is torn`).toBe(true);
});

function parses(file: string): boolean {
  try {
    JSON.parse(readFileSync(file, "utf8"));
    return true;
  } catch {
    return false;
  }
}
