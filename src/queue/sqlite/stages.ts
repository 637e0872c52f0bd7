import type { JobId } from "../../run/job-id.ts";
import { readJobId, readStoredTask, readTask, type StoredTask } from "../records.ts";
import { type Found, judgeResolution, type Resolution, type Resolved, sharedKeyOf, toStageChange } from "../stage.ts";
import type { CacheHit } from "../stage-store.ts";
import type { Task } from "../task.ts";
import type { Database, WriteTransaction } from "./database.ts";
import { followEnds } from "./end-effects.ts";
import { follow, shareResult } from "./followers.ts";
import { listOutputs } from "./outputs.ts";
import { transition } from "./transition.ts";

/** See `StageStore.unresolved`. */
export function listUnresolved(db: Database, machine: string, limit: number): readonly Task[] {
  return (
    db
      // A limit that is no part of the text makes SQLite plan each time anew, and this is asked after each run.
      .all(`SELECT * FROM tasks WHERE resolvable = 1 AND machine = :machine ORDER BY seq LIMIT ${limit}`, { machine })
      .map((row) => readTask(row))
  );
}

/** What was executed under a key, and whose outputs are all there as far as anybody has seen. */
const IS_HIT = `t.cache_key = :cacheKey AND t.machine = :machine AND t.state = 'complete'
  AND NOT EXISTS (SELECT 1 FROM run_outputs o WHERE o.run_id = t.id AND o.state <> 'present')`;

/** See `StageStore.hits`. */
export function listHits(db: Database, cacheKey: string, machine: string, limit: number): readonly CacheHit[] {
  return db
    .all(`SELECT t.id FROM tasks t WHERE ${IS_HIT} ORDER BY t.ended_at DESC, t.seq DESC LIMIT :limit`, {
      cacheKey,
      machine,
      limit,
    })
    .map((row) => {
      const run = readJobId(row, "id");
      return { run, outputs: listOutputs(db, [run]) };
    });
}

/** See `StageStore.resolve`. */
export function resolveStage(tx: WriteTransaction, id: JobId, resolution: Resolution): Resolved | undefined {
  const row = tx.db.get("SELECT * FROM tasks WHERE id = :id AND resolvable = 1", { id });
  if (row === undefined) return undefined;
  const task = readStoredTask(row);
  const resolved = judgeResolution(resolution, find(tx, task, resolution));
  if (resolved.kind === "overlooked") return resolved;
  const change = toStageChange(resolution, resolved);
  switch (resolved.kind) {
    case "cached":
      followEnds(tx, [shareResult(tx, task, resolved.from, change)]);
      break;
    case "follows":
      follow(tx, task, resolved.leader, change);
      break;
    case "queued":
      transition(tx, task, "queued", change, { kind: "run.queued" });
      break;
    case "failed":
      followEnds(tx, [transition(tx, transition(tx, task, "queued"), "failed", change)]);
      break;
  }
  return resolved;
}

function find(tx: WriteTransaction, { machine }: StoredTask, resolution: Resolution): Found {
  const cacheKey = sharedKeyOf(resolution);
  if (cacheKey === undefined) return {};
  const asked = "hit" in resolution ? resolution.hit : undefined;
  const hit =
    asked && tx.db.get(`SELECT t.id FROM tasks t WHERE t.id = :asked AND ${IS_HIT}`, { asked, cacheKey, machine });
  const overlooked =
    asked === undefined
      ? tx.db.get(`SELECT t.id FROM tasks t WHERE ${IS_HIT} LIMIT 1`, { cacheKey, machine })
      : undefined;
  const leader = tx.db.get(
    "SELECT id FROM tasks WHERE cache_key = :cacheKey AND machine = :machine AND is_leader = 1 AND ended_at IS NULL",
    { cacheKey, machine },
  );
  return {
    hit: hit && readJobId(hit, "id"),
    leader: leader && readJobId(leader, "id"),
    isOverlooked: overlooked !== undefined,
  };
}
