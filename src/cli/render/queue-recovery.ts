import type { QueueRecovery } from "../../app/recover-queue.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { RECOVERED } from "./work-event.ts";

/** What was recovered, as `--json` prints it. */
export interface QueueRecoveryJson {
  readonly attempts: readonly { readonly job_id: string; readonly outcome: string }[];
  readonly delivered: number;
  readonly undelivered: number;
  readonly rebuilt?: {
    readonly restored: readonly string[];
    readonly settled: readonly string[];
    readonly skipped: readonly string[];
    readonly problems: readonly { readonly job_id: string; readonly problem: string }[];
  };
}

export function toRecoveryJson({ attempts, rebuilt, outbox }: QueueRecovery): QueueRecoveryJson {
  return {
    attempts: attempts.map(({ jobId, outcome }) => ({ job_id: jobId, outcome })),
    delivered: outbox.delivered,
    undelivered: outbox.failed,
    ...(rebuilt === undefined
      ? {}
      : {
          rebuilt: {
            restored: rebuilt.restored,
            settled: rebuilt.settled,
            skipped: rebuilt.skipped,
            problems: rebuilt.problems.map(({ jobId, problem }) => ({ job_id: jobId, problem })),
          },
        }),
  };
}

/** A line for each thing that was done. */
export function renderRecovery({ attempts, rebuilt, outbox }: QueueRecovery): string {
  const lines = [
    ...attempts.map(({ jobId, outcome }) => `${jobId.slice(0, 8)} ${RECOVERED[outcome]}`),
    ...(rebuilt === undefined ? [] : renderRebuilt(rebuilt)),
    ...(outbox.delivered > 0 ? [`${outbox.delivered} changes reached documents, ledger and hooks`] : []),
    ...(outbox.failed > 0 ? [`${outbox.failed} could not be delivered, and will be tried again`] : []),
  ];
  return lines.length > 0 ? lines.join("\n") : "Nothing was left to recover.";
}

function renderRebuilt({ restored, settled, skipped, problems }: NonNullable<QueueRecovery["rebuilt"]>): string[] {
  return [
    restored.length === 1 ? "1 run is in the queue again" : `${restored.length} runs are in the queue again`,
    ...settled.map((id) => `${id.slice(0, 8)} was under way, and its end is recorded`),
    ...skipped.map((id) => `${id.slice(0, 8)} can never start, because what it needs has failed`),
    ...problems.map(({ jobId, problem }) => `${jobId.slice(0, 8)} was left as it is: ${toSafeLine(problem)}`),
  ];
}
