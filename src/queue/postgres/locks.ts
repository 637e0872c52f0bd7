import type { LockOutcome, ResourceLock } from "../queue-store.ts";
import { readLock } from "../records.ts";
import { integer, text } from "../rows.ts";
import { endOf, NOW, type ReadTransaction, type WriteTransaction } from "./database.ts";

/**
 * Whether the lock `k` is held. The lock of a run lives as long as its attempt has not ended, whatever has
 * expired: until its processes are proven dead, they may still use what the lock protects.
 */
export const LIVE_LOCK = `(k.expires_at > ${NOW} OR k.holder_kind = 'run' AND EXISTS (
  SELECT 1 FROM attempts h WHERE h.lease_token = k.holder AND h.ended_at IS NULL))`;

/** Gives free keys to a new holder. @returns the fence of each key, which is higher than those of all holders before */
async function takeLocks(
  { db, now }: WriteTransaction,
  keys: readonly string[],
  lock: Omit<ResourceLock, "key" | "fence" | "acquiredAt">,
): Promise<Readonly<Record<string, number>>> {
  const rows = await db.all(TAKE, { keys, ...lock, now });
  return Object.fromEntries(rows.map((row) => [text(row, "key"), integer(row, "fence")]));
}

const TAKE = `
  WITH fenced AS (
    INSERT INTO resource_fences AS f (key, fence) SELECT key, 1 FROM unnest(:keys::text[]) AS key
    ON CONFLICT (key) DO UPDATE SET fence = f.fence + 1 RETURNING key, fence)
  INSERT INTO resource_locks (key, holder, holder_kind, run_id, fence, acquired_at, expires_at, note)
  SELECT key, :holder, :holderKind, :runId, fence, :now, :expiresAt, :note FROM fenced
  ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, holder_kind = excluded.holder_kind,
    run_id = excluded.run_id, fence = excluded.fence, acquired_at = excluded.acquired_at,
    expires_at = excluded.expires_at, note = excluded.note
  RETURNING key, fence`;

async function findLiveLock({ db }: WriteTransaction, key: string): Promise<ResourceLock | undefined> {
  const row = await db.get(`SELECT * FROM resource_locks k WHERE k.key = :key AND ${LIVE_LOCK}`, { key });
  return row === undefined ? undefined : readLock(row);
}

/** See `QueueStore.acquireLock`. */
export async function acquireLock(
  tx: WriteTransaction,
  key: string,
  holder: string,
  ttlMs: number,
  note: string,
): Promise<LockOutcome> {
  const held = await findLiveLock(tx, key);
  const expiresAt = endOf(tx, ttlMs);
  if (held !== undefined && held.holder !== holder) return { kind: "busy", by: held };
  if (held !== undefined) {
    await prolongLock(tx, key, holder, ttlMs);
    return { kind: "held", fence: held.fence, expiresAt };
  }
  const fences = await takeLocks(tx, [key], { holder, holderKind: "cli", runId: undefined, expiresAt, note });
  return { kind: "held", fence: fences[key] ?? 0, expiresAt };
}

/** Prolongs a lock that nobody else has taken; whether there was one. */
export async function prolongLock(tx: WriteTransaction, key: string, holder: string, ttlMs: number): Promise<boolean> {
  const expiresAt = endOf(tx, ttlMs);
  const changes = await tx.db.run(
    "UPDATE resource_locks SET expires_at = :expiresAt WHERE key = :key AND holder = :holder",
    { key, holder, expiresAt },
  );
  return changes === 1;
}

/** See `QueueStore.releaseLock`. */
export async function releaseLock(tx: WriteTransaction, key: string, holder: string): Promise<boolean> {
  const changes = await tx.db.run("DELETE FROM resource_locks WHERE key = :key AND holder = :holder", { key, holder });
  if (changes === 1) tx.wake();
  return changes === 1;
}

/** See `QueueStore.breakLock`. */
export async function breakLock(tx: WriteTransaction, key: string): Promise<ResourceLock | undefined> {
  const lock = await findLiveLock(tx, key);
  await tx.db.run("DELETE FROM resource_locks WHERE key = :key", { key });
  if (lock === undefined) return undefined;
  const { holder, holderKind, fence, note, acquiredAt } = lock;
  tx.outgoing.push({
    kind: "lock.broken",
    ...(lock.runId !== undefined && { runId: lock.runId }),
    data: { key, holder, holderKind, fence, note, since: acquiredAt },
  });
  return lock;
}

/** The locks that are held now. */
export async function listLocks({ db }: ReadTransaction): Promise<readonly ResourceLock[]> {
  const rows = await db.all(`SELECT * FROM resource_locks k WHERE ${LIVE_LOCK} ORDER BY k.key`);
  return rows.map((row) => readLock(row));
}
