import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";
import { DEFAULT_LANE, type Lane } from "../queue/lane.ts";
import type { ExecutorKind } from "../queue/task.ts";

/** What executes the runs of a lane. @throws {AexpError} `queue.unknown_lane` */
export function findExecutor(lanes: readonly Pick<Lane, "name" | "executor">[], lane: string): ExecutorKind {
  const found = lanes.find(({ name }) => name === lane);
  if (found !== undefined) return found.executor;
  if (lane === DEFAULT_LANE) return "local";
  const known = [...new Set([DEFAULT_LANE, ...lanes.map(({ name }) => name)])];
  throw new AexpError(`there is no lane ${JSON.stringify(lane)}.${didYouMean(lane, known)} Nothing was queued`, {
    code: "queue.unknown_lane",
    hint: `Make it with \`aexp lane set ${lane}\`.`,
  });
}
