import { randomUUID } from "node:crypto";

import { addToQueue } from "../../src/app/add-to-queue.ts";
import { planSubmission } from "../../src/app/plan-submission.ts";
import type { Repo } from "../../src/app/repo.ts";
import type { Submission, SubmissionEntry } from "../../src/app/submission.ts";
import type { CommandTemplate } from "../../src/queue/command-template.ts";
import { DEFAULT_LANE } from "../../src/queue/lane.ts";
import { parseNeed } from "../../src/queue/needs.ts";
import { DEFAULT_KIND } from "../../src/queue/pool.ts";
import type { QueueStore } from "../../src/queue/queue-store.ts";
import type { StageSpec } from "../../src/queue/stage.ts";
import type { RetryPolicy } from "../../src/queue/task.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { currentUser } from "../../src/wiring/current-user.ts";

/** A run as a test describes it. */
export interface TestRun {
  readonly command: CommandTemplate;
  /** Names of runs of the same call, or of earlier ones; with `?` any end will do. */
  readonly needs?: readonly string[];
  readonly lane?: string;
  readonly priority?: number;
  readonly resources?: readonly string[];
  readonly caller?: string;
  readonly graceMs?: number;
  readonly timeoutMs?: number;
  /** A command line has no flags for pauses, and no test waits for minutes. */
  readonly retry?: Partial<RetryPolicy>;
  readonly stage?: StageSpec;
}

/**
 * Queues runs by name as one group, the way `aexp queue add --plan` does, with what a plan cannot say.
 *
 * @returns the ids by name
 */
export async function queueRuns(
  repo: Repo,
  store: QueueStore,
  runs: Readonly<Record<string, TestRun>>,
): Promise<Readonly<Record<string, JobId>>> {
  const entries = Object.entries(runs).map(([name, run]) => toEntry(name, run));
  const group = { id: `grp_${randomUUID().slice(0, 8)}`, kind: "batch", name: "test", caller: "ana" } as const;
  const request = { entries, group, owner: currentUser(), target: undefined, graceMs: 500 };
  const planned = await planSubmission(repo, store, { ...request, isForced: false, isTwinAllowed: true });
  const submission: Submission = { group, runs: planned.runs.map((run) => toOwn(run, runs)) };
  const queued = await addToQueue(repo, store, submission);
  if (queued !== entries.length) throw new Error(`${queued} of ${entries.length} runs were queued`);
  return Object.fromEntries(submission.runs.map(({ entry, run }) => [entry.name ?? "", run.jobId]));
}

function toEntry(name: string, run: TestRun): SubmissionEntry {
  const { command, needs = [], lane = DEFAULT_LANE, priority = 0, resources = [], timeoutMs } = run;
  return {
    place: undefined,
    name,
    run: { experimentId: "E001", parameters: new Map([["name", name]]) },
    sweep: [],
    command,
    needs: needs.map((need) => parseNeed(need)),
    lane,
    priority,
    kind: DEFAULT_KIND,
    resources,
    retries: 0,
    timeoutMs,
    tag: undefined,
  };
}

function toOwn(
  planned: Submission["runs"][number],
  runs: Readonly<Record<string, TestRun>>,
): Submission["runs"][number] {
  const { caller = "ana", graceMs, retry, stage } = runs[planned.entry.name ?? ""] ?? {};
  if (planned.task === undefined) return planned;
  const { spec } = planned.task;
  const own = {
    ...spec,
    graceMs: graceMs ?? spec.graceMs,
    retry: { ...spec.retry, ...retry },
    ...(stage !== undefined && { stage }),
  };
  return { ...planned, task: { ...planned.task, caller, spec: own } };
}
