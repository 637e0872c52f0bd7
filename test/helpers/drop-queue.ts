import { globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";

import type { Repo } from "../../src/app/repo.ts";
import { inspectQueueServer } from "../../src/wiring/open-queue.ts";

/** Loses the database of a repository's queue, on whichever store it is. Whoever has it open must not use it any more. */
export async function dropQueue(repo: Repo): Promise<void> {
  const url = await repo.readDatabaseUrl();
  const facts = await inspectQueueServer(repo);
  if (url === undefined || facts === undefined) {
    for (const file of globSync(".aexp/state/aexp.db*", { cwd: repo.root })) rmSync(join(repo.root, file));
    return;
  }
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`DROP SCHEMA ${facts.schemaName} CASCADE`);
  } finally {
    await client.end();
  }
}
