import type { Migration } from "../../migration.ts";
import { TASKS_SQL } from "./0001-tasks.ts";
import { BATCH_JOBS_SQL } from "./0002-batch-jobs.ts";
import { BEGINNINGS_SQL } from "./0003-beginnings.ts";
import { COMMITS_SQL } from "./0004-commits.ts";
import { STAGES_SQL } from "./0005-stages.ts";
import { POLICIES_SQL } from "./0006-policies.ts";

/** Every step, oldest first. */
export const MIGRATIONS: readonly Migration[] = [
  { version: 1, sql: TASKS_SQL },
  { version: 2, sql: BATCH_JOBS_SQL },
  { version: 3, sql: BEGINNINGS_SQL },
  { version: 4, sql: COMMITS_SQL },
  { version: 5, sql: STAGES_SQL },
  { version: 6, sql: POLICIES_SQL },
];
