import type { JobId } from "../../run/job-id.ts";
import type { NewEvent } from "../outgoing.ts";
import { readStoredTask, type StoredTask } from "../records.ts";
import { listColumns, MOVED_COLUMNS } from "../stored-columns.ts";
import { moveTask, type TaskChange, toEndEvent, toFarewell, toMark } from "../task-move.ts";
import { isTerminalState, type TaskState } from "../task.ts";
import { toColumnValues } from "./column-values.ts";
import type { WriteTransaction } from "./database.ts";
import { emit, sendOut } from "./events.ts";

export function findTask(tx: Pick<WriteTransaction, "db">, id: JobId): StoredTask | undefined {
  const row = tx.db.get("SELECT * FROM tasks WHERE id = :id", { id });
  return row === undefined ? undefined : readStoredTask(row);
}

/** Those of the tasks that are there. */
export function findTasks(tx: Pick<WriteTransaction, "db">, ids: readonly JobId[]): readonly StoredTask[] {
  return tx.db
    .all("SELECT * FROM tasks WHERE id IN (SELECT value FROM json_each(:ids))", { ids: JSON.stringify(ids) })
    .map((row) => readStoredTask(row));
}

/**
 * Moves a task to another state: beside `submit` and `claim` the only writer of `tasks.state`. An active task that leaves its worker
 * loses its lease and locks. The change of its public status goes to the outbox; an end is an event of its own.
 *
 * @returns the task as it is now
 */
export function transition(
  tx: WriteTransaction,
  task: StoredTask,
  to: TaskState,
  change: TaskChange = {},
  event?: Pick<NewEvent, "kind" | "data">,
): StoredTask {
  const next = moveTask(task, to, change, tx.now);
  store(tx, task, next);
  // While a scheduler has the attempt, its locks are held by the attempt itself.
  if (to !== "submitted" && task.lease !== undefined && next.lease === undefined) {
    tx.db.run("DELETE FROM resource_locks WHERE holder = :token", { token: task.lease.token });
  }
  markStatus(tx, task.state, next);
  const { id: runId, groupId } = next;
  if (event !== undefined) emit(tx, { ...event, runId, groupId });
  if (isTerminalState(to)) emit(tx, toEndEvent(next));
  return next;
}

function store(tx: WriteTransaction, task: StoredTask, next: StoredTask): void {
  const setsInputs = next.inputs !== task.inputs;
  const { changes } = tx.db.run(STORE_MOVE, {
    ...toColumnValues(MOVED_COLUMNS, next),
    setsInputs: setsInputs ? 1 : 0,
    inputs: setsInputs && next.inputs !== undefined ? JSON.stringify(next.inputs) : undefined,
    id: task.id,
    from: task.state,
    fromLife: task.life,
    fromToken: task.lease?.token,
  });
  // The row was read in this transaction, so nobody can have changed it since.
  if (changes !== 1) throw new Error(`task ${task.id} is not ${task.state} any more`);
}

const STORE_MOVE = `
  UPDATE tasks SET ${listColumns(MOVED_COLUMNS, ({ name }) => `${name} = :${name}`)},
    resolved_inputs = iif(:setsInputs, :inputs, resolved_inputs)
  WHERE id = :id AND state = :from AND life = :fromLife AND lease_token IS :fromToken`;

/** Sends the status that a run's document is to show, when it is another one than before. */
function markStatus(tx: WriteTransaction, from: TaskState, task: StoredTask): void {
  const mark = toMark(from, task, tx.now);
  if (mark !== undefined) sendOut(tx, mark);
  const farewell = toFarewell(task, tx.now);
  if (farewell !== undefined) sendOut(tx, farewell);
}
