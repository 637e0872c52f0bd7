import { addToQueue } from "../app/add-to-queue.ts";
import { applyLanes, withDeclaredLanes } from "../app/apply-lanes.ts";
import { checkTarget } from "../app/place-run.ts";
import { planSubmission } from "../app/plan-submission.ts";
import type { Repo } from "../app/repo.ts";
import type { QueueView, Submission } from "../app/submission.ts";
import { AexpError } from "../model/errors.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { ExecutorKind } from "../queue/task.ts";
import { type SubmissionFlags, type SubmissionPlace, toSubmissionRequest } from "./submission-flags.ts";

/** What a command that queues runs was given. */
export interface QueueRunsInput {
  readonly flags: SubmissionFlags;
  /** What followed two dashes. */
  readonly command: readonly string[];
  readonly place: SubmissionPlace;
  /** What executes the runs, whatever their lane says. */
  readonly executor?: ExecutorKind;
}

/** Works out what is to be queued and, unless it is only to be shown, queues it. `undefined` is a queue never used. */
export async function queueRuns(
  repo: Repo,
  store: QueueStore | undefined,
  { flags, command, place, executor }: QueueRunsInput,
  isDryRun: boolean,
): Promise<Submission> {
  const request = await toSubmissionRequest(repo, flags, command, place);
  await checkTarget(repo, store, { isShared: false, ...request });
  const config = await repo.readConfig();
  if (store !== undefined && !isDryRun) await applyLanes(store, config);
  const view = withDeclaredLanes(viewOf(store), config);
  const submission = await planSubmission(repo, view, { ...request, executor });
  if (store !== undefined && !isDryRun) await addToQueue(repo, store, submission);
  return submission;
}

/** What is there already; a queue that was never used is empty. */
function viewOf(store: QueueStore | undefined): QueueView {
  return {
    tasks: async (query) => (await store?.tasks(query)) ?? [],
    lanes: async () => (await store?.lanes()) ?? [],
  };
}

/** Words that are no flags must follow two dashes. @throws {AexpError} `cli.usage` */
export function refuseStrays(strays: readonly unknown[]): void {
  if (strays.length === 0) return;
  throw new AexpError(`${JSON.stringify(strays[0])} stands where flags of aexp are expected`, {
    code: "cli.usage",
    hint: `Put two dashes before the command: aexp queue add … -- ${strays.join(" ")}`,
  });
}
