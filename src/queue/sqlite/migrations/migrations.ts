import { TASKS_SQL } from "./0001-tasks.ts";
import { BATCH_JOBS_SQL } from "./0002-batch-jobs.ts";

/** One step of the schema. Released steps are never edited: what is to change comes as a further step. */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/** Every step, oldest first. */
export const MIGRATIONS: readonly Migration[] = [
  { version: 1, sql: TASKS_SQL },
  { version: 2, sql: BATCH_JOBS_SQL },
];
