import type { LaneSection } from "../generated/config.ts";
import { LONGEST_MS, parseDuration } from "../model/duration.ts";

/** What a project says about a lane. What is absent has its default. */
export interface LaneSettings {
  readonly maxRunning?: number;
  readonly maxPerCaller?: number;
  readonly onLost?: "fail" | "requeue";
  readonly retainMs?: number;
  readonly keepLast?: number;
  readonly ageMs?: number;
  readonly executor?: "local" | "slurm";
}

/** The settings that a section of `aexp.yaml` gives. @throws {AexpError} `cli.usage` */
export function toLaneSettings(section: NonNullable<LaneSection>): LaneSettings {
  const { max_running: maxRunning, max_per_caller: maxPerCaller, on_lost: onLost, keep_last: keepLast } = section;
  const { executor } = section;
  const retainMs = section.retain === "forever" ? undefined : toMs(section.retain, "retain");
  const ageMs = toMs(section.age, "age");
  return {
    ...(maxRunning !== undefined && { maxRunning }),
    ...(maxPerCaller !== undefined && { maxPerCaller }),
    ...(onLost !== undefined && { onLost }),
    ...(retainMs !== undefined && { retainMs }),
    ...(keepLast !== undefined && { keepLast }),
    ...(ageMs !== undefined && { ageMs }),
    ...(executor !== undefined && { executor }),
  };
}

function toMs(value: string | number | undefined, key: string): number | undefined {
  return value === undefined ? undefined : Math.ceil(parseDuration(String(value), key, LONGEST_MS));
}
