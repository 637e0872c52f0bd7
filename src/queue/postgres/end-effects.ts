import type { JobId } from "../../run/job-id.ts";
import { readGroup, readJobId, readStoredTask, type StoredTask } from "../records.ts";
import { integer, type Row, text, word } from "../rows.ts";
import { toReady } from "../task-move.ts";
import { TASK_STATES } from "../task.ts";
import { isSuccess, skipReason, toGroupState } from "../transitions.ts";
import type { WriteTransaction } from "./database.ts";
import { settleFollowers } from "./followers.ts";
import { TaskMoves } from "./task-moves.ts";

/**
 * What follows from ends, in the transaction that wrote them: edges to dependents are met or broken, those that can
 * start are queued, those that never can are skipped with all that hang on them, those who waited for a result get it or
 * compute it themselves, and groups whose last task ended end.
 */
export async function followEnds(tx: WriteTransaction, ended: readonly StoredTask[]): Promise<void> {
  const groups = new Set<string>();
  const open = new Set<string>();
  let wave = ended;
  while (wave.length > 0) {
    for (const task of wave) groups.add(task.groupId);
    const [edges, openGroups] = await Promise.all([
      tx.db.all(OPEN_EDGES, { needed: wave.map((task) => task.id) }),
      tx.db.all(OPEN_GROUPS, { groups: [...groups] }),
    ]);
    open.clear();
    for (const row of openGroups) open.add(text(row, "id"));
    const followed = await settleFollowers(tx, wave);
    // A skipped task has dependents, too.
    wave = [...followed, ...(await settleDependents(tx, wave, edges))];
  }
  for (const groupId of groups) if (!open.has(groupId)) await endGroup(tx, groupId);
}

/** Which of some groups have something left to do. */
const OPEN_GROUPS = `
  SELECT g.id FROM unnest(:groups::text[]) AS g (id)
  WHERE EXISTS (SELECT 1 FROM tasks t WHERE t.group_id = g.id AND t.ended_at IS NULL)`;

/** A task that waits, and for how many others. */
interface Waiting {
  readonly task: StoredTask;
  open: number;
  isSkipped: boolean;
}

/** @returns the dependents that were skipped */
async function settleDependents(
  tx: WriteTransaction,
  needed: readonly StoredTask[],
  edges: readonly Row[],
): Promise<readonly StoredTask[]> {
  if (edges.length === 0) return [];
  const ends = new Map(needed.map((task) => [task.id, task]));
  const waiting = new Map<JobId, Waiting>();
  const met: { readonly run: JobId; readonly needs: JobId }[] = [];
  const skipped: StoredTask[] = [];
  const moves = new TaskMoves(tx);
  for (const edge of edges) {
    const end = ends.get(readJobId(edge, "needed"));
    const dependent = toWaiting(edge, waiting);
    if (end === undefined || dependent.isSkipped) continue;
    if (isSuccess(end.state) || word(edge, "cond", ["success", "ended"]) === "ended") {
      met.push({ run: dependent.task.id, needs: end.id });
      dependent.open -= 1;
      if (dependent.open === 0) makeReady(moves, dependent.task);
    } else {
      dependent.isSkipped = true;
      skipped.push(moves.add(dependent.task, "skipped", { reason: skipReason(end) }));
    }
  }
  tx.db.send(MEET, { runs: met.map((edge) => edge.run), needs: met.map((edge) => edge.needs) });
  moves.store();
  return skipped;
}

function makeReady(moves: TaskMoves, task: StoredTask): void {
  const { state, change } = toReady(task.spec);
  moves.add(task, state, change, state === "queued" ? { kind: "run.queued" } : undefined);
}

/** The open edges to some tasks, in the order of these, each with its dependent and the number of its open edges. */
const OPEN_EDGES = `
  SELECT d.*, n.needs AS needed, n.cond,
    (SELECT count(*) FROM task_needs o WHERE o.run_id = d.id AND o.met = 0) AS open_needs
  FROM unnest(:needed::text[]) WITH ORDINALITY AS e (id, place)
  JOIN task_needs n ON n.needs = e.id JOIN tasks d ON d.id = n.run_id
  WHERE n.met = 0 AND d.state = 'blocked' ORDER BY e.place, d.seq`;

const MEET = `
  UPDATE task_needs n SET met = 1 FROM unnest(:runs::text[], :needs::text[]) AS e (run, needs)
  WHERE n.run_id = e.run AND n.needs = e.needs`;

function toWaiting(edge: Row, known: Map<JobId, Waiting>): Waiting {
  const id = readJobId(edge, "id");
  const before = known.get(id);
  if (before !== undefined) return before;
  const waiting = { task: readStoredTask(edge), open: integer(edge, "open_needs"), isSkipped: false };
  known.set(id, waiting);
  return waiting;
}

/** Ends a group once in each of its epochs; nothing of it is left to do. */
async function endGroup(tx: WriteTransaction, id: string): Promise<void> {
  const { db, now } = tx;
  const states = await db.all("SELECT DISTINCT state FROM tasks WHERE group_id = :id", { id });
  const state = toGroupState(states.map((row) => word(row, "state", TASK_STATES)));
  const ended = await db.get(
    `UPDATE groups SET state = :state, ended_at = greatest(:now, created_at) WHERE id = :id AND state = 'active'
     RETURNING *`,
    { id, state, now },
  );
  if (ended === undefined) return;
  const { epoch, kind, name } = readGroup(ended);
  tx.outgoing.push({
    kind: "group.ended",
    groupId: id,
    data: { state, epoch, kind, name },
    dedupe: `group.ended:${id}:${epoch}`,
  });
}

/** Opens groups again that had ended, each in a new epoch. */
export async function reopenGroups(tx: WriteTransaction, ids: readonly string[]): Promise<void> {
  await tx.db.run(
    `UPDATE groups SET state = 'active', ended_at = NULL, epoch = epoch + 1
     WHERE id = ANY (:ids) AND state <> 'active'`,
    { ids },
  );
}
