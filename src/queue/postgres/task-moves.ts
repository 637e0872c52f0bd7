import type { JobId } from "../../run/job-id.ts";
import type { NewEvent } from "../outgoing.ts";
import { readStoredTask, type StoredTask } from "../records.ts";
import type { Row } from "../rows.ts";
import { listColumns, MOVED_COLUMNS, toRow } from "../stored-columns.ts";
import { moveTask, type TaskChange, toEndEvent, toFarewell, toMark } from "../task-move.ts";
import { isTerminalState, type TaskState } from "../task.ts";
import { chunksOf, type Queries, type WriteTransaction } from "./database.ts";
import { toJson } from "./named-values.ts";

export async function findTask(db: Queries, id: JobId): Promise<StoredTask | undefined> {
  const row = await db.get("SELECT * FROM tasks WHERE id = :id", { id });
  return row === undefined ? undefined : readStoredTask(row);
}

/** Those of the tasks that are there. */
export async function findTasks(db: Queries, ids: readonly JobId[]): Promise<ReadonlyMap<JobId, StoredTask>> {
  if (ids.length === 0) return new Map();
  const rows = await db.all("SELECT * FROM tasks WHERE id = ANY (:ids)", { ids });
  return new Map(rows.map((row) => readStoredTask(row)).map((task) => [task.id, task]));
}

/**
 * Moves tasks to other states: beside `submit` and `claim` the only writer of `tasks.state`. What follows from a move is told in the
 * order in which they were made; the rows are written together by {@link store}.
 */
export class TaskMoves {
  readonly #tx: WriteTransaction;
  readonly #moves: { readonly from: StoredTask; readonly to: StoredTask }[] = [];

  constructor(tx: WriteTransaction) {
    this.#tx = tx;
  }

  /** @returns the task as it will be */
  add(
    task: StoredTask,
    state: TaskState,
    change: TaskChange = {},
    event?: Pick<NewEvent, "kind" | "data">,
  ): StoredTask {
    const { now, outgoing } = this.#tx;
    const to = moveTask(task, state, change, now);
    this.#moves.push({ from: task, to });
    const mark = toMark(task.state, to, now);
    if (mark !== undefined) outgoing.push(mark);
    const farewell = toFarewell(to, now);
    if (farewell !== undefined) outgoing.push(farewell);
    if (event !== undefined) outgoing.push({ ...event, runId: to.id, groupId: to.groupId });
    if (isTerminalState(state)) outgoing.push(toEndEvent(to));
    if (to.isResolvable) this.#tx.wake();
    return to;
  }

  /**
   * An active task that leaves its worker loses its locks, too. While a scheduler has the attempt, they are held by the
   * attempt itself.
   */
  store(): void {
    const { db } = this.#tx;
    for (const moves of chunksOf(this.#moves)) {
      const rows = moves.map(({ from, to }) => toMoveRow(from, to));
      db.send(STORE_MOVES, { moves: toJson(rows), count: moves.length });
    }
    const left = this.#moves.flatMap(({ from, to }) =>
      from.lease !== undefined && to.lease === undefined && to.state !== "submitted" && from.spec.resources.length > 0
        ? [from.lease.token]
        : [],
    );
    if (left.length > 0) db.send("DELETE FROM resource_locks WHERE holder = ANY (:left)", { left });
    this.#moves.length = 0;
  }
}

function toMoveRow(from: StoredTask, to: StoredTask): Row {
  return {
    ...toRow(MOVED_COLUMNS, to),
    id: from.id,
    from_state: from.state,
    from_life: from.life,
    from_token: from.lease?.token,
    sets_inputs: to.inputs === from.inputs ? 0 : 1,
    ...(to.inputs !== from.inputs && { inputs: to.inputs }),
  };
}

/**
 * The rows were read in this transaction, so nobody can have changed them since. Should it be otherwise all the same,
 * nothing is written.
 */
const STORE_MOVES = `
  WITH moved AS (
    UPDATE tasks t SET ${listColumns(MOVED_COLUMNS, ({ name }) => `${name} = m.${name}`)},
      resolved_inputs = CASE m.sets_inputs WHEN 1 THEN m.inputs ELSE t.resolved_inputs END
    FROM json_to_recordset(:moves::json) AS m (${listColumns(MOVED_COLUMNS, ({ name, type }) => `${name} ${type}`)},
      id text, from_state text, from_life integer, from_token text, sets_inputs integer, inputs json)
    WHERE t.id = m.id AND t.state = m.from_state AND t.life = m.from_life
      AND t.lease_token IS NOT DISTINCT FROM m.from_token
    RETURNING 1)
  SELECT 1 / (count(*) = :count::bigint)::integer AS all_are_what_they_were FROM moved`;
