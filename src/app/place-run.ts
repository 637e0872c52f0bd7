import { AexpError } from "../model/errors.ts";
import { toPythonJson } from "../model/exact-json.ts";
import { didYouMean } from "../model/nearest.ts";
import type { CommandTemplate } from "../queue/command-template.ts";
import type { PortableRun } from "../queue/portable-run.ts";
import type { NewTask, QueueStore } from "../queue/queue-store.ts";
import type { PlannedRun } from "./register-run.ts";
import type { Repo } from "./repo.ts";

/** What is known of a run when it is decided on which machines it may be executed. */
export interface PlacedRun {
  readonly run: PlannedRun;
  readonly template: CommandTemplate;
  /** Number of its last attempt, which left a folder here. */
  readonly lastAttempt: number;
  /** It needs other runs, or others need it: they read each other's folders. */
  readonly isTied: boolean;
}

/** What was asked about machines. */
export interface PlaceRequest {
  /** The only machine that may execute it. */
  readonly target: string | undefined;
  /** Whether other machines see this queue. */
  readonly isShared: boolean;
}

/**
 * On which machines a run may be executed, as its task says it. On a queue that machines share, a run of committed code
 * may go to any machine that has the commit; every other run stays where it is queued.
 *
 * @throws {AexpError} `queue.not_portable` when it is asked for on a machine where it cannot be executed
 */
export function placeRun(
  machine: string,
  placed: PlacedRun,
  { target, isShared }: PlaceRequest,
): Pick<NewTask, "target" | "commit" | "portable"> {
  if (!isShared) return target === undefined ? {} : { target };
  const obstacle = findObstacle(placed);
  const isAskedElsewhere = target !== undefined && target !== machine;
  if (obstacle !== undefined && isAskedElsewhere) throw notPortable(placed.run, target, obstacle);
  if (obstacle !== undefined || (placed.isTied && !isAskedElsewhere)) return { target: target ?? machine };
  return {
    ...(target === undefined ? {} : { target }),
    commit: placed.run.code.commit,
    portable: toPortable(placed),
  };
}

/** Why a run cannot be executed on another machine; `undefined` when it can. */
function findObstacle({ run, lastAttempt }: PlacedRun): string | undefined {
  if (run.code.commit === "") return "there is no commit yet";
  if (run.code.isDirty) return "the work tree has changes that are not committed";
  return lastAttempt > 0 ? "it was executed here before, and its folder is here" : undefined;
}

function toPortable({ run: { request, statePoint }, template }: PlacedRun): PortableRun {
  const { hypothesisId, subHypothesisId, allowLocalPath = false } = request;
  return {
    template,
    statePoint: toPythonJson(statePoint),
    ...(hypothesisId !== undefined && { hypothesisId }),
    ...(subHypothesisId !== undefined && { subHypothesisId }),
    isLocalPathAllowed: allowLocalPath,
  };
}

/**
 * Refuses a target that no worker will ever be: a wrong name would be waited for without end.
 *
 * @param queue - absent, when nothing was ever queued
 * @throws {AexpError} `queue.unknown_machine`
 */
export async function checkTarget(
  { machineLabel }: Pick<Repo, "machineLabel">,
  queue: Pick<QueueStore, "machines"> | undefined,
  { target, isShared }: PlaceRequest,
): Promise<void> {
  if (target === undefined || target === machineLabel) return;
  if (!isShared) {
    throw new AexpError(`${JSON.stringify(target)} is another machine than this one, ${JSON.stringify(machineLabel)}`, {
      code: "queue.unknown_machine",
      hint: "This queue is of this machine alone; docs/postgres.md tells how machines share one. Nothing was queued.",
    });
  }
  const known = [...new Set([machineLabel, ...((await queue?.machines()) ?? [])])];
  if (known.includes(target)) return;
  const suggestion = didYouMean(target, known);
  throw new AexpError(
    `no machine ${JSON.stringify(target)} has ever worked on this queue.${suggestion} Nothing was queued`,
    {
      code: "queue.unknown_machine",
      hint: `Known are ${known.join(", ")}; \`aexp worker start\` makes a machine known.`,
    },
  );
}

function notPortable({ jobId }: PlannedRun, target: string, obstacle: string): AexpError {
  return new AexpError(
    `run ${jobId} cannot be executed on ${JSON.stringify(target)}: ${obstacle}. Nothing was queued`,
    {
      code: "queue.not_portable",
      hint: "Commit and push what is to be executed, or leave --target out.",
    },
  );
}
