import type { Migration } from "../../migration.ts";
import { TASKS_SQL } from "./0001-tasks.ts";
import { COMMITS_SQL } from "./0002-commits.ts";
import { STAGES_SQL } from "./0003-stages.ts";

/** Every step, oldest first. */
export const MIGRATIONS: readonly Migration[] = [
  { version: 1, sql: TASKS_SQL },
  { version: 2, sql: COMMITS_SQL },
  { version: 3, sql: STAGES_SQL },
];
