import type { Migration } from "../../migration.ts";
import { TASKS_SQL } from "./0001-tasks.ts";
import { COMMITS_SQL } from "./0002-commits.ts";
import { STAGES_SQL } from "./0003-stages.ts";
import { CLONES_SQL } from "./0004-clones.ts";
import { POLICIES_SQL } from "./0005-policies.ts";

/** Every step, oldest first. */
export const MIGRATIONS: readonly Migration[] = [
  { version: 1, sql: TASKS_SQL },
  { version: 2, sql: COMMITS_SQL },
  { version: 3, sql: STAGES_SQL },
  { version: 4, sql: CLONES_SQL },
  { version: 5, sql: POLICIES_SQL },
];
