import { sinceMs, type TaskRow } from "../app/list-tasks.ts";
import { toInstant } from "../model/clock.ts";
import { AexpError } from "../model/errors.ts";
import { type ExactObject, ExactNumber } from "../model/exact-json.ts";
import { didYouMean } from "../model/nearest.ts";
import { parameterAt } from "../run/parameters.ts";
import { stopPending } from "../queue/waiting.ts";
import { renderTaskState, taskStateStyle } from "./render/task-state.ts";
import type { Column } from "./render/table.ts";
import { renderAge } from "./render/time.ts";
import { renderValue } from "./render/value.ts";
import { renderWaiting } from "./render/waiting.ts";

/** Facts of a task that have a column of their own. */
const TASK_FIELDS = [
  "id",
  "experiment",
  "name",
  "lane",
  "kind",
  "state",
  "waits",
  "age",
  "attempt",
  "priority",
  "tag",
  "group",
  "caller",
  "machine",
  "worker",
  "reason",
] as const;
type TaskField = (typeof TASK_FIELDS)[number];

/** What one column shows, as written by the user. */
export type TaskColumnSpec =
  | { readonly kind: "field"; readonly name: TaskField }
  | { readonly kind: "parameter"; readonly name: string; readonly key: string };

/** What columns are drawn with. */
export interface TaskColumnContext {
  /** For CSV: full ids, instants and plain words. */
  readonly isExact: boolean;
  readonly idLength: number;
  readonly nowMs: number;
  readonly isTTY: boolean;
  /** `undefined` when the run's folder is not on this machine. */
  statePointOf(row: TaskRow): ExactObject | undefined;
}

/** A column that can also be sorted by. */
export interface TaskColumn extends Column<TaskRow> {
  sortKey(row: TaskRow): number | string | undefined;
}

/** Reads a list of columns: fields, and parameters as `sp.KEY`. @throws {AexpError} `cli.usage` */
export function parseTaskColumns(text: string): readonly TaskColumnSpec[] {
  return text.split(",").map((part) => {
    const word = part.trim();
    const field = TASK_FIELDS.find((known) => known === word);
    if (field !== undefined) return { kind: "field", name: field };
    if (/^sp\.\S/.test(word)) return { kind: "parameter", name: word.slice(3), key: word.slice(3) };
    throw new AexpError(`${JSON.stringify(word)} is not a column.${didYouMean(word, TASK_FIELDS)}`, {
      code: "cli.usage",
      hint: `A column is one of ${TASK_FIELDS.join(", ")}, or a parameter as sp.KEY.`,
    });
  });
}

/** The column that a spec describes. */
export function toTaskColumn(spec: TaskColumnSpec, context: TaskColumnContext): TaskColumn {
  return spec.kind === "field" ? fieldColumn(spec.name, context) : parameterColumn(spec.name, spec.key, context);
}

function parameterColumn(name: string, key: string, context: TaskColumnContext): TaskColumn {
  const at = (row: TaskRow) => {
    const statePoint = context.statePointOf(row);
    return statePoint === undefined ? undefined : parameterAt(statePoint, key);
  };
  return {
    name,
    value: (row) => renderValue(at(row)),
    sortKey: (row) => {
      const value = at(row);
      return value instanceof ExactNumber ? value.toNumber() : value === undefined ? undefined : renderValue(value);
    },
  };
}

function fieldColumn(name: TaskField, context: TaskColumnContext): TaskColumn {
  const text = (pick: (row: TaskRow) => string | undefined): TaskColumn => ({
    name,
    value: (row) => pick(row) ?? "",
    sortKey: pick,
  });
  switch (name) {
    case "id":
      return {
        ...text(({ task }) => (context.isExact ? task.id : task.id.slice(0, context.idLength))),
        style: () => "yellow",
        isFixed: true,
      };
    case "experiment":
      return text(({ task }) => task.experimentId);
    case "name":
      return text(({ task }) => task.spec.name);
    case "lane":
      return text(({ task }) => task.spec.lane);
    case "kind":
      return text(({ task }) => task.spec.kind);
    case "state":
      return {
        name,
        value: ({ task }) =>
          context.isExact ? task.state : renderTaskState(task.state, stopPending(task) !== undefined),
        style: ({ task }) => taskStateStyle(task.state),
        sortKey: ({ task }) => task.state,
        isFixed: true,
      };
    case "waits":
      return { ...text(({ waiting }) => renderWaiting(waiting, context)), header: "waits for", isFixed: true };
    case "age":
      return ageColumn(context);
    case "attempt":
      return numberColumn(name, ({ task }) => (task.attempt === 0 ? undefined : task.attempt));
    case "priority":
      return numberColumn(name, ({ task }) => task.effectivePriority);
    case "tag":
      return text(({ task }) => task.spec.tag);
    case "group":
      return text(({ task }) => task.groupId);
    case "caller":
      return text(({ task }) => task.caller);
    case "machine":
      return text(({ task }) => task.target ?? task.machine);
    case "worker":
      return text(({ task }) => task.lease?.workerId);
    case "reason":
      return text(({ task }) => task.reason?.message);
  }
}

/** How long a task has been in its state; for CSV the moment it came into it. */
function ageColumn(context: TaskColumnContext): TaskColumn {
  const seconds = ({ task }: TaskRow): number => Math.max(0, (context.nowMs - sinceMs(task)) / 1000);
  return {
    name: "age",
    align: "right",
    isFixed: true,
    value: (row) => (context.isExact ? toInstant(sinceMs(row.task)) : renderAge(seconds(row))),
    sortKey: seconds,
  };
}

function numberColumn(name: TaskField, pick: (row: TaskRow) => number | undefined): TaskColumn {
  return { name, align: "right", value: (row) => String(pick(row) ?? ""), sortKey: pick };
}
