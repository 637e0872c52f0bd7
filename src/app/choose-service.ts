import type { Config } from "../config/config.ts";
import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";
import { DEFAULT_KIND, parsePools, type Pool } from "../queue/pool.ts";
import type { QueueStore } from "../queue/queue-store.ts";

/** One run at a time is safe on every machine; a project that wants more says so. */
const DEFAULT_POOLS = "*=1";

/**
 * The pools of a worker: those that were asked for, else the project's. A kind that no run of the queue has, and that
 * the project does not name, is a slip of the pen; in a queue without runs any kind may come yet.
 *
 * @throws {AexpError} `queue.pools_invalid`
 */
export async function choosePools(
  store: Pick<QueueStore, "tasks">,
  { pools: projectPools }: Pick<Config, "pools">,
  asked: string | undefined,
): Promise<readonly Pool[]> {
  if (asked === undefined) return parsePools(projectPools ?? DEFAULT_POOLS);
  const pools = parsePools(asked);
  if (pools.every(({ name }) => name === "*")) return pools;
  const tasks = await store.tasks({});
  if (tasks.length === 0) return pools;
  const declared = projectPools === undefined ? [] : parsePools(projectPools).map(({ name }) => name);
  const kinds = new Set([DEFAULT_KIND, ...tasks.map(({ spec }) => spec.kind), ...declared]);
  return parsePools(
    asked,
    [...kinds].filter((kind) => kind !== "*"),
  );
}

/** The lanes that a worker was asked to serve; all, when it was not. @throws {AexpError} `queue.unknown_lane` */
export async function chooseLanes(
  store: Pick<QueueStore, "lanes">,
  asked: string | undefined,
): Promise<readonly string[] | undefined> {
  if (asked === undefined) return undefined;
  const known = (await store.lanes()).map(({ name }) => name);
  const names = asked.split(",").map((name) => name.trim());
  for (const name of names) {
    if (known.includes(name)) continue;
    throw new AexpError(`there is no lane ${JSON.stringify(name)}.${didYouMean(name, known)}`, {
      code: "queue.unknown_lane",
      hint: `Known: ${known.join(", ")}.`,
    });
  }
  return names;
}
