import type { BatchJob, Renewal } from "./queue-store.ts";
import { readJobId, readStoredTask, withoutPrivate } from "./records.ts";
import { optionalInteger, optionalText, type Row, text, word } from "./rows.ts";

/**
 * What a worker is told when it has renewed its leases.
 *
 * @param rows - the tasks whose leases were renewed: `id`, `lease_token` and `stop_mode`
 * @param tokens - all leases that were to be renewed
 */
export function readRenewal(rows: readonly Row[], tokens: readonly string[], expiresAt: number): Renewal {
  const renewed = new Set(rows.map((row) => text(row, "lease_token")));
  const stops = rows.flatMap((row) => {
    if (optionalText(row, "stop_mode") === undefined) return [];
    const mode = word(row, "stop_mode", ["graceful", "kill"]);
    return [{ id: readJobId(row, "id"), token: text(row, "lease_token"), mode }];
  });
  return { expiresAt, lost: tokens.filter((token) => !renewed.has(token)), stops };
}

/** @param row - a task, with `token`, `scheduler_job_id` and `missing_since` of its attempt */
export function readBatchJob(row: Row): BatchJob {
  return {
    task: withoutPrivate(readStoredTask(row)),
    token: text(row, "token"),
    schedulerJobId: text(row, "scheduler_job_id"),
    missingSince: optionalInteger(row, "missing_since"),
  };
}
