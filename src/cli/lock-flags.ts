import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { hostname } from "node:os";

import type { Repo } from "../app/repo.ts";
import { parseDuration } from "../model/duration.ts";
import { AexpError } from "../model/errors.ts";
import { canonicalKey } from "../queue/resource-key.ts";
import { currentUser } from "../wiring/current-user.ts";

/** A shorter one could expire between two renewals on a busy machine. */
const MIN_TTL_MS = 1000;

/** Which resource. */
export const KEY_ARG = Args.string({
  description: "Key of the resource: a name like gpu-0, or a path like ./data/index.db.",
  required: true,
});

/** How long to wait for it. */
export const WAIT_FLAG = Flags.string({
  summary: "Wait so long for it, 0 to fail at once; without this, as long as it takes.",
  helpValue: "DURATION",
});

/** One spelling for all keys that mean the same; see {@link canonicalKey}. */
export function toKey(repo: Repo, key: string, cwd: string): string {
  return canonicalKey(key, { root: repo.root, home: repo.home, cwd });
}

/** How long to wait; `undefined` without end. @throws {AexpError} `cli.usage` */
export function toWaitMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^0+(?:ms|s|m|h|d)?$/.test(text) ? 0 : parseDuration(text, "--wait");
}

/** @throws {AexpError} `cli.usage` */
export function toTtlMs(text: string): number {
  const ttlMs = parseDuration(text, "--ttl");
  if (ttlMs >= MIN_TTL_MS) return ttlMs;
  throw new AexpError(`--ttl=${JSON.stringify(text)} is shorter than a second`, {
    code: "cli.usage",
    hint: "Write 1s or more; a shorter one could run out between two renewals.",
  });
}

/** Who takes a lock, for those who find it taken. */
export function toNote(what: string): string {
  const machine = hostname().split(".")[0] ?? hostname();
  return `${currentUser()} on ${machine}, ${what}`;
}
