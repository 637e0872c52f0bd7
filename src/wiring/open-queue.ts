import { hash } from "node:crypto";
import { existsSync } from "node:fs";
import { join, relative } from "node:path";

import type { Repo } from "../app/repo.ts";
import { AexpError } from "../model/errors.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { ServerFacts } from "../queue/server-facts.ts";
import { openSqliteQueueStore } from "../queue/sqlite/sqlite-queue-store.ts";
import { cloneOf } from "./clone-of.ts";

/** What is asked of a repository to find its queue. */
export type QueueOwner = Pick<Repo, "root" | "machineLabel" | "clock" | "git" | "readConfig" | "readDatabaseUrl">;

/**
 * The queue of a repository: on this machine, or on the server that it shares with others. Its database is made at the
 * first call.
 *
 * @throws {AexpError} `queue.network_file_system`, `queue.database_foreign`, `queue.schema_newer`,
 *   `queue.database_damaged`, `queue.sqlite_too_old`, `environment.read_only`; of a server also `queue.unreachable`,
 *   `queue.access_denied`, `queue.server_too_old`, `queue.database_url_invalid`, `queue.database_url_missing`,
 *   `queue.repository_unknown`, `queue.name_taken`
 */
export async function openQueue(repo: QueueOwner): Promise<QueueStore> {
  const url = await repo.readDatabaseUrl();
  if (url === undefined) return await openSqliteQueueStore(pathOf(repo), { nowMs: () => repo.clock.nowMs() });
  const { openPostgresQueueStore } = await import("../queue/postgres/postgres-queue-store.ts");
  return await openPostgresQueueStore(url, { schema: await schemaOf(repo), clone: cloneOf(repo) });
}

/** The queue, unless nothing was ever queued: for screens that must not make a database. */
export async function openQueueIfPresent(repo: QueueOwner): Promise<QueueStore | undefined> {
  const url = await repo.readDatabaseUrl();
  if (url === undefined) return existsSync(pathOf(repo)) ? await openQueue(repo) : undefined;
  const { openPostgresQueueStoreIfPresent } = await import("../queue/postgres/postgres-queue-store.ts");
  return await openPostgresQueueStoreIfPresent(url, { schema: await schemaOf(repo), clone: cloneOf(repo) });
}

/**
 * Looks at the server of a shared queue, and changes nothing; `undefined` when the queue is of this machine alone.
 *
 * @throws {AexpError} `queue.unreachable`, `queue.access_denied`, `queue.server_too_old`, `queue.database_url_invalid`,
 *   `queue.database_url_missing`, `queue.repository_unknown`
 */
export async function inspectQueueServer(repo: QueueOwner): Promise<ServerFacts | undefined> {
  const url = await repo.readDatabaseUrl();
  if (url === undefined) return undefined;
  const { inspectServer } = await import("../queue/postgres/inspect-server.ts");
  return await inspectServer(url, { schema: await schemaOf(repo) });
}

/** Where the queue is, in a few words for people. */
export async function placeOfQueue(repo: QueueOwner): Promise<string> {
  const url = await repo.readDatabaseUrl();
  if (url === undefined) return relative(repo.root, pathOf(repo));
  const { describePlace } = await import("../queue/postgres/place.ts");
  return `${describePlace(url)}, schema ${await schemaOf(repo)}`;
}

function pathOf(repo: Pick<Repo, "root">): string {
  return join(repo.root, ".aexp", "state", "aexp.db");
}

/** The same in every clone, so that they meet; another one in every repository, so that many share a server. */
async function schemaOf(repo: QueueOwner): Promise<string> {
  const { store } = await repo.readConfig();
  if (store.schema !== undefined) return store.schema;
  const origin = await repo.git.origin();
  if (origin !== undefined)
    return `aexp_${hash("sha256", `${origin.firstCommit} ${origin.prefix}`, "hex").slice(0, 12)}`;
  throw new AexpError("The first commit of this repository is not here, from which all clones know their queue", {
    code: "queue.repository_unknown",
    hint: "Commit something, or fetch the whole history with `git fetch --unshallow`, or name store.schema in aexp.yaml.",
  });
}
