import type { LockOutcome, ResourceLock } from "../queue-store.ts";
import { type Database, endOf, type WriteTransaction } from "./database.ts";
import { emit } from "./events.ts";
import { readLock } from "../records.ts";
import { integer } from "../rows.ts";

/**
 * Whether the lock `k` is held at `:now`. The lock of a run lives as long as its attempt has not ended, whatever has
 * expired: until its processes are proven dead, they may still use what the lock protects.
 */
export const LIVE_LOCK = `(k.expires_at > :now OR k.holder_kind = 'run' AND EXISTS (
  SELECT 1 FROM attempts h WHERE h.lease_token = k.holder AND h.ended_at IS NULL))`;

/** Gives a free key to a new holder. @returns its fence, which is higher than that of every holder before */
export function takeLock(tx: WriteTransaction, lock: Omit<ResourceLock, "fence" | "acquiredAt">): number {
  const row = tx.db.get(
    `INSERT INTO resource_fences (key, fence) VALUES (:key, 1)
     ON CONFLICT (key) DO UPDATE SET fence = fence + 1 RETURNING fence`,
    { key: lock.key },
  );
  const fence = integer(row ?? {}, "fence");
  tx.db.run(
    `INSERT OR REPLACE INTO resource_locks
       (key, holder, holder_kind, run_id, fence, acquired_at, expires_at, note)
     VALUES (:key, :holder, :holderKind, :runId, :fence, :now, :expiresAt, :note)`,
    { ...lock, fence, now: tx.now },
  );
  return fence;
}

function findLiveLock(tx: WriteTransaction, key: string): ResourceLock | undefined {
  const row = tx.db.get(`SELECT * FROM resource_locks k WHERE k.key = :key AND ${LIVE_LOCK}`, { key, now: tx.now });
  return row === undefined ? undefined : readLock(row);
}

/** See `QueueStore.acquireLock`. */
export function acquireLock(
  tx: WriteTransaction,
  key: string,
  holder: string,
  ttlMs: number,
  note: string,
): LockOutcome {
  const held = findLiveLock(tx, key);
  const expiresAt = endOf(tx, ttlMs);
  if (held !== undefined && held.holder !== holder) return { kind: "busy", by: held };
  if (held !== undefined) {
    prolongLock(tx, key, holder, ttlMs);
    return { kind: "held", fence: held.fence, expiresAt };
  }
  const fence = takeLock(tx, { key, holder, holderKind: "cli", runId: undefined, expiresAt, note });
  return { kind: "held", fence, expiresAt };
}

/** Prolongs a lock that nobody else has taken; whether there was one. */
export function prolongLock(tx: WriteTransaction, key: string, holder: string, ttlMs: number): boolean {
  const { changes } = tx.db.run(
    "UPDATE resource_locks SET expires_at = :expiresAt WHERE key = :key AND holder = :holder",
    { key, holder, expiresAt: endOf(tx, ttlMs) },
  );
  return changes === 1;
}

/** See `QueueStore.releaseLock`. */
export function releaseLock(tx: WriteTransaction, key: string, holder: string): boolean {
  return tx.db.run("DELETE FROM resource_locks WHERE key = :key AND holder = :holder", { key, holder }).changes === 1;
}

/** See `QueueStore.breakLock`. */
export function breakLock(tx: WriteTransaction, key: string): ResourceLock | undefined {
  const lock = findLiveLock(tx, key);
  tx.db.run("DELETE FROM resource_locks WHERE key = :key", { key });
  if (lock === undefined) return undefined;
  const { holder, holderKind, fence, note, acquiredAt } = lock;
  emit(tx, {
    kind: "lock.broken",
    ...(lock.runId !== undefined && { runId: lock.runId }),
    data: { key, holder, holderKind, fence, note, since: acquiredAt },
  });
  return lock;
}

/** The locks that are held now. */
export function listLocks(db: Database): readonly ResourceLock[] {
  return db
    .all(`SELECT * FROM resource_locks k WHERE ${LIVE_LOCK} ORDER BY k.key`, { now: db.now() })
    .map((row) => readLock(row));
}
