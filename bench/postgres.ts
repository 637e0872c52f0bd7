/** The budget of the queue that machines share. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

import type { Bench } from "./queue.ts";

/** Leaves its row out where no server can be had. */
export function measurePostgres({ add }: Pick<Bench, "add">): void {
  const program = join(import.meta.dirname, "postgres-claims.ts");
  const { status, stdout } = spawnSync(process.execPath, [program, "--json"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) return;
  const { median, p95 }: { readonly median: number; readonly p95: number } = JSON.parse(
    stdout.slice(stdout.indexOf("{")),
  );
  add("claim on PostgreSQL, 95th percentile, 10,000 queued, 8 processes", `median ${median} ms`, "", p95, 20, " ms");
}
