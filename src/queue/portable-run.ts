import { AexpError } from "../model/errors.ts";
import { isJsonObject } from "../model/json.ts";
import type { CommandTemplate } from "./command-template.ts";
import type { Task } from "./task.ts";

/** What another machine needs to make the folder and the command of a run itself. */
export interface PortableRun {
  /** With its placeholders: the run's folder has another path on every machine. */
  readonly template: CommandTemplate;
  /** As Python prints it, with every number as it was written. */
  readonly statePoint: string;
  readonly hypothesisId?: string;
  readonly subHypothesisId?: string;
  readonly isLocalPathAllowed: boolean;
}

/**
 * What a task says about carrying its run to another machine, from parsed JSON.
 *
 * @param place - where it was read, for the message
 * @throws {AexpError} `queue.spec_invalid`
 */
export function parsePortableRun(value: unknown, place: string): PortableRun {
  if (!isJsonObject(value)) return refuse(place, value);
  const { template, statePoint, hypothesisId, subHypothesisId, isLocalPathAllowed } = value;
  const isRead =
    isTemplate(template) &&
    typeof statePoint === "string" &&
    isOptionalText(hypothesisId) &&
    isOptionalText(subHypothesisId) &&
    typeof isLocalPathAllowed === "boolean";
  if (!isRead) return refuse(place, value);
  return {
    template,
    statePoint,
    ...(hypothesisId !== undefined && { hypothesisId }),
    ...(subHypothesisId !== undefined && { subHypothesisId }),
    isLocalPathAllowed,
  };
}

/**
 * The machine to which the run has gone from the one where it was submitted; `undefined` when it is there still. The
 * claim of the first attempt takes it there, and there it stays with all that it leaves.
 */
export function movedTo({
  machine,
  target,
  portable,
  attempt,
}: Pick<Task, "machine" | "target" | "portable" | "attempt">): string | undefined {
  return portable !== undefined && attempt > 0 && target !== machine ? target : undefined;
}

/** Whether a queued task may be executed on a machine that has some commits to offer. Every store claims by this rule. */
export function mayBeExecutedOn(
  machine: string,
  commits: readonly string[],
  task: Pick<Task, "machine" | "target" | "commit" | "attempt">,
): boolean {
  if (task.target !== undefined && task.target !== machine) return false;
  if (task.commit === undefined || task.machine === machine) return true;
  return task.attempt > 0 ? task.target === machine : commits.includes(task.commit);
}

function isTemplate(value: unknown): value is CommandTemplate {
  return typeof value === "string" || (Array.isArray(value) && value.every((item) => typeof item === "string"));
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}

function refuse(place: string, value: unknown): never {
  throw new AexpError(`${place}: portable is ${JSON.stringify(value)?.slice(0, 100)}; expected a portable run`, {
    code: "queue.spec_invalid",
    hint: "Queue the run again with `aexp queue add`.",
  });
}
