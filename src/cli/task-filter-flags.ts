import * as Flags from "@oclif/core/flags";

import type { TaskFilter } from "../app/list-tasks.ts";
import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";
import { TASK_STATES, type TaskState } from "../queue/task.ts";

/** Which runs of the queue a command is about. */
export const TASK_FILTER_FLAGS = {
  tag: Flags.string({ summary: "Only runs with this tag.", helpValue: "TAG", helpGroup: "FILTER" }),
  experiment: Flags.string({ summary: "Only runs of this experiment.", helpValue: "E001", helpGroup: "FILTER" }),
  group: Flags.string({ summary: "Only runs of this group.", helpValue: "GROUP", helpGroup: "FILTER" }),
  lane: Flags.string({ summary: "Only runs of this lane.", helpValue: "LANE", helpGroup: "FILTER" }),
};

/** What {@link TASK_FILTER_FLAGS} were given. */
export interface TaskFilterValues {
  readonly tag?: string | undefined;
  readonly experiment?: string | undefined;
  readonly group?: string | undefined;
  readonly lane?: string | undefined;
}

/** The tasks that the flags select. */
export function toTaskFilter(flags: TaskFilterValues): TaskFilter {
  const { tag, experiment: experimentId, group: groupId, lane } = flags;
  return { tag, experimentId, groupId, lane };
}

/** Whether a filter leaves anything out. */
export function isRestricted(filter: TaskFilter): boolean {
  return Object.values(filter).some((value) => value !== undefined);
}

/** States as written: `queued,blocked`. @throws {AexpError} `cli.usage` */
export function parseStates(texts: readonly string[]): readonly TaskState[] {
  return texts
    .flatMap((text) => text.split(","))
    .map((word) => {
      const state = TASK_STATES.find((known) => known === word.trim());
      if (state !== undefined) return state;
      throw new AexpError(`${JSON.stringify(word)} is not a state.${didYouMean(word, TASK_STATES)}`, {
        code: "cli.usage",
        hint: `A run of the queue is ${TASK_STATES.join(", ")}.`,
      });
    });
}
