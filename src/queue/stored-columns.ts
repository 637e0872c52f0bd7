import type { StoredTask } from "./records.ts";
import type { Row } from "./rows.ts";

/** How one column of `tasks` is filled. The types are PostgreSQL's; for SQLite both kinds of integer are one. */
export type StoredColumn =
  | { readonly name: string; readonly type: "text"; readonly of: (task: StoredTask) => string | undefined }
  | {
      readonly name: string;
      readonly type: "integer" | "bigint";
      readonly of: (task: StoredTask) => number | undefined;
    }
  | { readonly name: string; readonly type: "json"; readonly of: (task: StoredTask) => object | undefined };

/** What a task is, and what is never changed but by a new life. */
const GIVEN: readonly StoredColumn[] = [
  { name: "seq", type: "bigint", of: (task) => task.seq },
  { name: "id", type: "text", of: (task) => task.id },
  { name: "group_id", type: "text", of: (task) => task.groupId },
  { name: "experiment_id", type: "text", of: (task) => task.experimentId },
  { name: "name", type: "text", of: (task) => task.spec.name },
  { name: "tag", type: "text", of: (task) => task.spec.tag },
  { name: "lane", type: "text", of: (task) => task.spec.lane },
  { name: "kind", type: "text", of: (task) => task.spec.kind },
  { name: "caller", type: "text", of: (task) => task.caller },
  { name: "owner", type: "text", of: (task) => task.owner },
  { name: "machine", type: "text", of: (task) => task.machine },
  { name: "target", type: "text", of: (task) => task.target },
  { name: "commit_oid", type: "text", of: (task) => task.commit },
  { name: "portable", type: "json", of: (task) => task.portable },
  { name: "executor", type: "text", of: (task) => task.executor },
  { name: "priority", type: "integer", of: (task) => task.spec.priority },
  { name: "has_resources", type: "integer", of: (task) => (task.spec.resources.length > 0 ? 1 : 0) },
  { name: "spec", type: "json", of: (task) => task.spec },
  { name: "attempt", type: "integer", of: (task) => task.attempt },
  { name: "created_at", type: "bigint", of: (task) => task.createdAt },
];

/** How it begins, and what every move may change. */
const STANDING: readonly StoredColumn[] = [
  { name: "state", type: "text", of: (task) => task.state },
  { name: "reason_code", type: "text", of: (task) => task.reason?.code },
  { name: "reason_message", type: "text", of: (task) => task.reason?.message },
  { name: "because", type: "text", of: (task) => task.reason?.because },
  { name: "eff_priority", type: "integer", of: (task) => task.effectivePriority },
  { name: "queued_at", type: "bigint", of: (task) => task.queuedAt },
  { name: "ended_at", type: "bigint", of: (task) => task.endedAt },
  { name: "resolvable", type: "integer", of: (task) => (task.isResolvable ? 1 : 0) },
];

/** What is empty when it begins, and filled by moves. */
const COURSE: readonly StoredColumn[] = [
  { name: "life", type: "integer", of: (task) => task.life },
  { name: "stop_at", type: "bigint", of: (task) => task.stop?.at },
  { name: "stop_mode", type: "text", of: (task) => task.stop?.mode },
  { name: "stop_code", type: "text", of: (task) => task.stopReason?.code },
  { name: "stop_message", type: "text", of: (task) => task.stopReason?.message },
  { name: "not_before", type: "bigint", of: (task) => task.notBefore },
  { name: "failures", type: "integer", of: (task) => task.failures },
  { name: "worker_id", type: "text", of: (task) => task.lease?.workerId },
  { name: "lease_token", type: "text", of: (task) => task.lease?.token },
  { name: "lease_expires_at", type: "bigint", of: (task) => task.lease?.expiresAt },
  { name: "exit_code", type: "integer", of: (task) => task.exitCode },
  { name: "signal", type: "text", of: (task) => task.signal },
  { name: "started_at", type: "bigint", of: (task) => task.startedAt },
  { name: "cache_key", type: "text", of: (task) => task.cacheKey },
  { name: "is_leader", type: "integer", of: (task) => (task.isLeader ? 1 : 0) },
  { name: "follows", type: "text", of: (task) => task.follows },
  { name: "cached_from", type: "text", of: (task) => task.cachedFrom },
];

/** The columns that a submission fills. The others have defaults, or what `NEW_LIFE` gave them. */
export const SUBMITTED_COLUMNS: readonly StoredColumn[] = [...GIVEN, ...STANDING];

/** The columns that a move writes, but for `resolved_inputs`: inputs may be long, and change only once. */
export const MOVED_COLUMNS: readonly StoredColumn[] = [...STANDING, ...COURSE];

/** A list for SQL: what `write` makes of each name, with commas between. */
export function listColumns(columns: readonly StoredColumn[], write: (column: StoredColumn) => string): string {
  return columns.map((column) => write(column)).join(", ");
}

/** The values of a task's columns by their names, JSON as it is. */
export function toRow(columns: readonly StoredColumn[], task: StoredTask): Row {
  const row: Record<string, unknown> = {};
  for (const { name, of } of columns) row[name] = of(task);
  return row;
}
