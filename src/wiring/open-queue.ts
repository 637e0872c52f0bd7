import { existsSync } from "node:fs";
import { join, relative } from "node:path";

import type { Repo } from "../app/repo.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import { openSqliteQueueStore } from "../queue/sqlite/sqlite-queue-store.ts";

/**
 * The queue of a repository on this machine; its database is made at the first call.
 *
 * @throws {AexpError} `queue.network_file_system`, `queue.database_foreign`, `queue.schema_newer`,
 *   `queue.database_damaged`, `queue.sqlite_too_old`, `environment.read_only`
 */
export async function openQueue(repo: Pick<Repo, "root" | "clock">): Promise<QueueStore> {
  return await openSqliteQueueStore(pathOf(repo), { nowMs: () => repo.clock.nowMs() });
}

/** The queue, unless nothing was ever queued here: for screens that must not make a database. */
export async function openQueueIfPresent(repo: Pick<Repo, "root" | "clock">): Promise<QueueStore | undefined> {
  return existsSync(pathOf(repo)) ? await openQueue(repo) : undefined;
}

/** Where the queue is, in a few words for people. */
export function placeOfQueue(repo: Pick<Repo, "root">): string {
  return relative(repo.root, pathOf(repo));
}

function pathOf(repo: Pick<Repo, "root">): string {
  return join(repo.root, ".aexp", "state", "aexp.db");
}
