import type { LaneSection, ProjectConfig } from "../generated/config.ts";
import { COMPUTE_KEYS } from "../queue/compute-request.ts";
import { EVENT_KINDS } from "../queue/event-kinds.ts";
import { isJsonObject } from "../model/json.ts";
import { didYouMean } from "../model/nearest.ts";

/** The keys that `aexp.yaml` may have. */
export const KNOWN_KEYS = [
  "redact",
  "lanes",
  "pools",
  "hooks",
  "policies",
  "queue",
  "store",
  "executors",
] as const satisfies readonly (keyof ProjectConfig)[];

const LANE_KEYS = [
  "max_running",
  "max_per_caller",
  "on_lost",
  "retain",
  "keep_last",
  "age",
  "executor",
] as const satisfies readonly (keyof NonNullable<LaneSection>)[];

const STORE_KEYS = ["database_url_env", "schema"] as const satisfies readonly (keyof NonNullable<
  ProjectConfig["store"]
>)[];

const QUEUE_KEYS = ["min_free"] as const satisfies readonly (keyof NonNullable<ProjectConfig["queue"]>)[];

/** The first key that nobody knows, with those that are known in its place. Values are not looked at. */
export function findUnknownKey(
  config: Readonly<Record<string, unknown>>,
): { readonly problem: string; readonly known: readonly string[] } | undefined {
  const lanes = isJsonObject(config["lanes"]) ? Object.entries(config["lanes"]) : [];
  const sections: readonly (readonly [place: string, section: unknown, known: readonly string[]])[] = [
    ["", config, KNOWN_KEYS],
    ...lanes.map(([name, lane]) => [`lanes.${name}: `, lane, LANE_KEYS] as const),
    ["hooks: ", config["hooks"], EVENT_KINDS],
    ["queue: ", config["queue"], QUEUE_KEYS],
    ["store: ", config["store"], STORE_KEYS],
    ["executors: ", config["executors"], ["slurm"]],
    ["executors.slurm: ", isJsonObject(config["executors"]) && config["executors"]["slurm"], COMPUTE_KEYS],
  ];
  for (const [place, section, known] of sections) {
    const unknown = Object.keys(isJsonObject(section) ? section : {}).find((key) => !known.includes(key));
    if (unknown !== undefined) {
      return { problem: `${place}unknown key ${JSON.stringify(unknown)}.${didYouMean(unknown, known)}`, known };
    }
  }
  return undefined;
}
