import { applyLanes } from "../app/apply-lanes.ts";
import { setPaused } from "../app/pause-lanes.ts";
import type { Repo } from "../app/repo.ts";
import { openQueue } from "../wiring/open-queue.ts";
import type { BaseCommand } from "./base-command.ts";

/** What became of one lane, as `--json` prints it. */
export interface PausedLaneJson {
  readonly lane: string;
  readonly paused: boolean;
  readonly changed: boolean;
}

/**
 * Pauses lanes or lets them go on, and tells it, a line each.
 *
 * @param names - all lanes, when absent
 * @param words - what is said of a lane that this changed, and of one that was like that before
 * @throws {AexpError} `queue.unknown_lane`
 */
export async function setLanesPaused(
  command: BaseCommand,
  repo: Repo,
  names: readonly string[] | undefined,
  isPaused: boolean,
  words: { readonly changed: string; readonly same: string },
): Promise<readonly PausedLaneJson[]> {
  await using store = await openQueue(repo);
  await applyLanes(store, await repo.readConfig());
  const results = await setPaused(store, names, isPaused);
  for (const { lane, isChanged } of results) command.log(`lane ${lane.name} ${isChanged ? words.changed : words.same}`);
  return results.map(({ lane, isChanged }) => ({ lane: lane.name, paused: lane.isPaused, changed: isChanged }));
}
