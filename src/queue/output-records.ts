import { type Digest, isDigest } from "../output/digest.ts";
import type { Alias } from "./alias.ts";
import type { PolicyFire, SeenOutput } from "./policy.ts";
import { readJobId } from "./records.ts";
import { integer, optionalText, type Row, refuse, text, word } from "./rows.ts";
import { OUTPUT_STATES, type RunOutput } from "./run-output.ts";

/** @throws {AexpError} `queue.database_damaged`, as all of these do */
export function readRunOutput(row: Row): RunOutput {
  return {
    run: readJobId(row, "run_id"),
    name: text(row, "name"),
    item: text(row, "item"),
    kind: text(row, "kind"),
    digest: readDigest(row, "digest"),
    bytes: integer(row, "bytes"),
    files: integer(row, "files"),
    path: text(row, "path"),
    holder: readJobId(row, "holder"),
    stats: readDigest(row, "stats"),
    state: word(row, "state", OUTPUT_STATES),
    machine: text(row, "machine"),
    checkedAt: integer(row, "checked_at"),
  };
}

export function readAlias(row: Row): Alias {
  return {
    name: text(row, "name"),
    run: readJobId(row, "run_id"),
    output: optionalText(row, "output"),
    digest: row["digest"] === null ? undefined : readDigest(row, "digest"),
    version: integer(row, "version"),
    caller: text(row, "caller"),
    setAt: integer(row, "set_at"),
  };
}

export function readSeenOutput(row: Row): SeenOutput {
  return {
    policy: text(row, "policy"),
    source: readJobId(row, "source"),
    output: text(row, "output"),
    item: text(row, "item"),
    digest: readDigest(row, "digest"),
    position: integer(row, "position"),
    seenAt: integer(row, "seen_at"),
  };
}

export function readPolicyFire(row: Row): PolicyFire {
  return { ...readSeenOutput(row), run: readJobId(row, "run_id"), firedAt: integer(row, "fired_at") };
}

function readDigest(row: Row, column: string): Digest {
  const value = text(row, column);
  return isDigest(value) ? value : refuse(row, column, "a digest");
}
