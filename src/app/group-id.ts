import { randomUUID } from "node:crypto";

/** The id of a group that nothing else has. */
export function newGroupId(): string {
  return toGroupId(randomUUID().replaceAll("-", ""));
}

/** The id of a group that follows from something else, so that it is the same each time: of its hash. */
export function toGroupId(hex: string): string {
  return `grp_${hex.slice(0, 12)}`;
}
