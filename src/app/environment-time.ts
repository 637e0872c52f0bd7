import { parseDuration } from "../model/duration.ts";

/** The times that the environment may set, and what they are when it does not: seconds, or with a unit. */
const USUAL = {
  AEXP_GRACE_S: "10",
  AEXP_HEARTBEAT_S: "30",
  AEXP_LEASE_S: "60",
  AEXP_POLL_S: "1",
} as const;

/**
 * Milliseconds of a time of the environment; the usual time when the variable is absent or empty.
 *
 * @throws {AexpError} `cli.usage`
 */
export function readTimeMs(env: Readonly<Record<string, string | undefined>>, variable: keyof typeof USUAL): number {
  return parseDuration(env[variable] || USUAL[variable], variable);
}
