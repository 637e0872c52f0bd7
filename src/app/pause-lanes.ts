import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";
import type { Lane } from "../queue/lane.ts";
import type { QueueStore } from "../queue/queue-store.ts";

/**
 * Pauses lanes, or lets them go on. What is under way in them runs to its end.
 *
 * @param names all lanes, when absent
 * @throws {AexpError} `queue.unknown_lane`; then no lane was changed
 */
export async function setPaused(
  store: Pick<QueueStore, "lanes" | "setLane">,
  names: readonly string[] | undefined,
  isPaused: boolean,
): Promise<readonly { readonly lane: Lane; readonly isChanged: boolean }[]> {
  const lanes = await store.lanes();
  const known = lanes.map(({ name }) => name);
  for (const name of names ?? []) {
    if (known.includes(name)) continue;
    throw new AexpError(`there is no lane ${JSON.stringify(name)}.${didYouMean(name, known)} Nothing was changed`, {
      code: "queue.unknown_lane",
      hint: `Known: ${known.toSorted().join(", ")}.`,
    });
  }
  const chosen = lanes.filter(({ name }) => names?.includes(name) ?? true);
  const results: { lane: Lane; isChanged: boolean }[] = [];
  for (const before of chosen) {
    results.push({ lane: await store.setLane(before.name, { isPaused }), isChanged: before.isPaused !== isPaused });
  }
  return results;
}
