/**
 * Runs the queue's tests against a real PostgreSQL: the tests start servers of their own on loopback, and stop them.
 * Arguments go to vitest.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";

import { providePrograms } from "./postgres-programs.ts";

const folder = providePrograms();
process.stdout.write(execFileSync(join(folder, "postgres"), ["--version"], { encoding: "utf8" }));
const { status } = spawnSync(
  process.execPath,
  ["node_modules/vitest/vitest.mjs", "run", "--config", "test/postgres/vitest.config.ts", ...process.argv.slice(2)],
  {
    cwd: join(import.meta.dirname, ".."),
    stdio: "inherit",
    env: { ...process.env, AEXP_POSTGRES_BIN: folder },
  },
);
process.exitCode = status ?? 1;
