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
import type { ExecutorKind } from "../task.ts";
import type { Database, WriteTransaction } from "./database.ts";
import { emit } from "./events.ts";

/** All lanes, by name. */
export function listLanes(db: Database): readonly Lane[] {
  return db.all("SELECT * FROM lanes ORDER BY name").map((row) => readLane(row));
}

/** See `QueueStore.setLane`. A lane that is not there is made. */
export function setLane(tx: WriteTransaction, name: string, patch: LanePatch): Lane {
  const { changes } = tx.db.run("INSERT INTO lanes (name) VALUES (:name) ON CONFLICT (name) DO NOTHING", { name });
  const before = findLane(tx, name);
  const after = patchLane(before, patch);
  tx.db.run(
    `UPDATE lanes SET max_running = :maxRunning, max_per_caller = :maxPerCaller, paused = :isPaused,
       on_lost = :onLost, retain_ms = :retainMs, keep_last = :keepLast, age_ms = :ageMs, executor = :executor WHERE name = :name`,
    { ...after, isPaused: after.isPaused ? 1 : 0 },
  );
  if (after.executor !== before.executor) moveWaiting(tx, name, after.executor);
  if (changes === 1 || JSON.stringify(before) !== JSON.stringify(after)) emit(tx, toLaneEvent(after));
  return after;
}

/** What waits in the lane is executed as the lane says now; what is under way stays where it is. */
function moveWaiting(tx: WriteTransaction, lane: string, executor: ExecutorKind): void {
  tx.db.run(`UPDATE tasks SET executor = :executor WHERE lane = :lane AND state IN ('created', 'blocked', 'queued')`, {
    lane,
    executor,
  });
}

/** See `QueueStore.declareLanes`. @returns whether anything was new */
export function declareLanes(db: Database, sections: Readonly<Record<string, LaneSection>>): boolean {
  // Almost always nothing is new, and writers need not wait for us.
  if (isDeclared(db, sections)) return false;
  db.write((tx) => {
    for (const [name, section] of Object.entries(sections)) {
      const row = db.get("SELECT declared FROM lanes WHERE name = :name", { name });
      const before = row === undefined ? {} : parseLaneSection(jsonObject(row, "declared"));
      setLane(tx, name, toSectionPatch(before, section));
      db.run("UPDATE lanes SET declared = :declared WHERE name = :name", { name, declared: JSON.stringify(section) });
    }
  });
  return true;
}

function isDeclared(db: Database, sections: Readonly<Record<string, LaneSection>>): boolean {
  const known = new Map(
    db
      .all("SELECT name, declared FROM lanes")
      .map((row) => [text(row, "name"), parseLaneSection(jsonObject(row, "declared"))]),
  );
  return isTakenOver(known, sections);
}

function findLane(tx: WriteTransaction, name: string): Lane {
  return readLane(tx.db.get("SELECT * FROM lanes WHERE name = :name", { name }) ?? {});
}

/** See `QueueStore.age`: one for each full period that a task has waited. What was earned is never taken back. */
export function ageTasks(tx: WriteTransaction): number {
  const { changes } = tx.db.run(
    // Numbers come in as floats, of which a quotient is no whole number.
    `UPDATE tasks SET eff_priority = priority + (CAST(:now AS INTEGER) - queued_at) / l.age_ms FROM lanes l
     WHERE l.name = tasks.lane AND l.age_ms IS NOT NULL AND tasks.state = 'queued'
       AND tasks.eff_priority < priority + (CAST(:now AS INTEGER) - queued_at) / l.age_ms`,
    { now: tx.now },
  );
  return changes;
}
