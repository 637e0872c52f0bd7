import type { JobId } from "../../run/job-id.ts";
import { readJobId, readStoredTask, readTask, type StoredTask } from "../records.ts";
import { type Found, judgeResolution, type Resolution, type Resolved, sharedKeyOf, toStageChange } from "../stage.ts";
import type { CacheHit } from "../stage-store.ts";
import type { Task } from "../task.ts";
import type { Opening, Queries, WriteTransaction } from "./database.ts";
import { followEnds } from "./end-effects.ts";
import { follow, toShared } from "./followers.ts";
import { copyOutputs, listOutputs } from "./outputs.ts";
import { TaskMoves } from "./task-moves.ts";

/** See `StageStore.unresolved`. */
export async function listUnresolved(db: Queries, machine: string, limit: number): Promise<readonly Task[]> {
  const rows = await db.all(
    "SELECT * FROM tasks WHERE resolvable = 1 AND machine = :machine ORDER BY seq LIMIT :limit",
    { machine, limit },
  );
  return rows.map((row) => readTask(row));
}

/** What was executed under a key, and whose outputs are all there as far as anybody has seen. */
const IS_HIT = `t.cache_key = :cacheKey AND t.machine = :machine AND t.state = 'complete'
  AND NOT EXISTS (SELECT 1 FROM run_outputs o WHERE o.run_id = t.id AND o.state <> 'present')`;

/** See `StageStore.hits`. */
export async function listHits(
  db: Queries,
  cacheKey: string,
  machine: string,
  limit: number,
): Promise<readonly CacheHit[]> {
  const rows = await db.all(
    `SELECT t.id FROM tasks t WHERE ${IS_HIT} ORDER BY t.ended_at DESC, t.seq DESC LIMIT :limit`,
    { cacheKey, machine, limit },
  );
  const runs = rows.map((row) => readJobId(row, "id"));
  const outputs = Map.groupBy(await listOutputs(db, runs), ({ run }) => run);
  return runs.map((run) => ({ run, outputs: outputs.get(run) ?? [] }));
}

/** Looks for a stage that waits only to be resolved. */
export function openResolvable(id: JobId): Opening {
  return { sql: "SELECT * FROM tasks WHERE id = :id AND resolvable = 1", values: { id } };
}

/** See `StageStore.resolve`: goes on with what {@link openResolvable} has found. */
export async function resolveStage(tx: WriteTransaction, resolution: Resolution): Promise<Resolved | undefined> {
  const [row] = tx.first;
  if (row === undefined) return undefined;
  const task = readStoredTask(row);
  const resolved = judgeResolution(resolution, await find(tx, task, resolution));
  if (resolved.kind !== "overlooked") await take(tx, task, resolution, resolved);
  return resolved;
}

async function take(
  tx: WriteTransaction,
  task: StoredTask,
  resolution: Resolution,
  resolved: Exclude<Resolved, { readonly kind: "overlooked" }>,
): Promise<void> {
  const change = toStageChange(resolution, resolved);
  const moves = new TaskMoves(tx);
  const ended: StoredTask[] = [];
  switch (resolved.kind) {
    case "cached":
      await copyOutputs(tx, resolved.from, [task.id]);
      ended.push(moves.add(task, "cached", { ...change, ...toShared(resolved.from) }));
      break;
    case "follows":
      follow(moves, task, resolved.leader, change);
      break;
    case "queued":
      moves.add(task, "queued", change, { kind: "run.queued" });
      break;
    case "failed": {
      const queued = moves.add(task, "queued");
      moves.store();
      ended.push(moves.add(queued, "failed", change));
      break;
    }
  }
  moves.store();
  await followEnds(tx, ended);
}

async function find({ db }: WriteTransaction, { machine }: StoredTask, resolution: Resolution): Promise<Found> {
  const cacheKey = sharedKeyOf(resolution);
  if (cacheKey === undefined) return {};
  const asked = "hit" in resolution ? resolution.hit : undefined;
  const [hit, overlooked, leader] = await Promise.all([
    asked && db.get(`SELECT t.id FROM tasks t WHERE t.id = :asked AND ${IS_HIT}`, { asked, cacheKey, machine }),
    asked === undefined ? db.get(`SELECT t.id FROM tasks t WHERE ${IS_HIT} LIMIT 1`, { cacheKey, machine }) : undefined,
    db.get(
      "SELECT id FROM tasks WHERE cache_key = :cacheKey AND machine = :machine AND is_leader = 1 AND ended_at IS NULL",
      { cacheKey, machine },
    ),
  ]);
  return {
    hit: hit && readJobId(hit, "id"),
    leader: leader && readJobId(leader, "id"),
    isOverlooked: overlooked !== undefined,
  };
}
