import {
  isTakenOver,
  type Lane,
  type LanePatch,
  type LaneSection,
  parseLaneSection,
  patchLane,
  toLaneEvent,
  toSectionPatch,
} from "../lane.ts";
import { readLane } from "../records.ts";
import { jsonObject, text } from "../rows.ts";
import type { Database, Queries, WriteTransaction } from "./database.ts";

/** All lanes, by name. */
export async function listLanes(db: Queries): Promise<readonly Lane[]> {
  return (await db.all("SELECT * FROM lanes ORDER BY name")).map((row) => readLane(row));
}

/** See `QueueStore.setLane`. A lane that is not there is made. */
export async function setLane(tx: WriteTransaction, name: string, patch: LanePatch): Promise<Lane> {
  const { db } = tx;
  const changes = await db.run("INSERT INTO lanes (name) VALUES (:name) ON CONFLICT (name) DO NOTHING", { name });
  const before = readLane((await db.get("SELECT * FROM lanes WHERE name = :name", { name })) ?? {});
  const after = patchLane(before, patch);
  await db.run(
    `UPDATE lanes SET max_running = :maxRunning, max_per_caller = :maxPerCaller, paused = :isPaused,
       on_lost = :onLost, retain_ms = :retainMs, keep_last = :keepLast, age_ms = :ageMs, executor = :executor WHERE name = :name`,
    { ...after, isPaused: after.isPaused ? 1 : 0 },
  );
  if (after.executor !== before.executor) await moveWaiting(tx, after);
  if (changes === 1 || JSON.stringify(before) !== JSON.stringify(after)) tx.outgoing.push(toLaneEvent(after));
  return after;
}

/** What waits in the lane is executed as the lane says now; what is under way stays where it is. */
async function moveWaiting({ db }: WriteTransaction, { name, executor }: Lane): Promise<void> {
  await db.run(
    "UPDATE tasks SET executor = :executor WHERE lane = :name AND state IN ('created', 'blocked', 'queued')",
    { name, executor },
  );
}

/** See `QueueStore.declareLanes`. */
export async function declareLanes(db: Database, sections: Readonly<Record<string, LaneSection>>): Promise<void> {
  // Almost always nothing is new, and writers need not wait for us.
  if (isTakenOver(await readSections(db), sections)) return;
  await db.write(async (tx) => {
    const kept = await readSections(tx.db);
    for (const [name, section] of Object.entries(sections)) {
      await setLane(tx, name, toSectionPatch(kept.get(name) ?? {}, section));
      const declared = JSON.stringify(section);
      await tx.db.run("UPDATE lanes SET declared = :declared::json WHERE name = :name", { name, declared });
    }
  });
}

async function readSections(db: Queries): Promise<ReadonlyMap<string, LaneSection>> {
  const rows = await db.all("SELECT name, declared FROM lanes");
  return new Map(rows.map((row) => [text(row, "name"), parseLaneSection(jsonObject(row, "declared"))]));
}

/** See `QueueStore.age`: one for each full period that a task has waited. What was earned is never taken back. */
export async function ageTasks({ db, now }: WriteTransaction): Promise<number> {
  return await db.run(
    `UPDATE tasks t SET eff_priority = priority + (:now - queued_at) / l.age_ms FROM lanes l
     WHERE l.name = t.lane AND l.age_ms IS NOT NULL AND t.state = 'queued'
       AND t.eff_priority < priority + (:now - queued_at) / l.age_ms`,
    { now },
  );
}
