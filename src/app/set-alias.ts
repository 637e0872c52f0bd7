import { AexpError } from "../model/errors.ts";
import { isDigest } from "../output/digest.ts";
import type { OutputStore } from "../output/output-store.ts";
import { isAliasName } from "../queue/alias.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import { readKnownOutputs } from "./known-outputs.ts";
import { rowOf } from "./list-runs.ts";
import type { Repo } from "./repo.ts";
import { findSucceeded } from "./run-outputs.ts";
import { resolveReference, type RunReferred } from "./run-reference.ts";
import { checkOutputName } from "./show-outputs.ts";

/** What an alias is set with. */
export interface AliasPorts {
  readonly store: Pick<QueueStore, "aliases" | "outputs" | "setAlias" | "tasks">;
  readonly outputs: Pick<OutputStore, "read">;
}

/** What an alias is to stand for. */
export interface AliasRequest {
  /** With or without an `@` before it. */
  readonly name: string;
  /** See `resolveReference`. */
  readonly target: string;
  readonly caller: string;
  /** See `SetAliasOptions`. */
  readonly expect?: number | undefined;
}

/** An alias that was set. */
export interface SetAlias extends RunReferred {
  readonly name: string;
  readonly version: number;
}

/**
 * Lets an alias stand for a run that has succeeded, or for one of its outputs.
 *
 * @throws {AexpError} `alias.name_invalid`, `alias.target_unusable`, `alias.conflict` when another version is in force than
 *   was expected, `output.not_found`, and what `resolveReference` throws
 */
export async function setAlias(repo: Repo, ports: AliasPorts, request: AliasRequest): Promise<SetAlias> {
  const name = parseAliasName(request.name);
  const { run, output } = await resolveReference(repo, ports.store, request.target);
  if (!(await hasSucceeded(repo, ports, run))) {
    throw new AexpError(`run ${run.slice(0, 8)} is ${statusOf(repo, run)}, and only what is complete gets an alias`, {
      code: "alias.target_unusable",
      hint: `\`aexp why ${run.slice(0, 8)}\` says what it waits for, or why it ended.`,
    });
  }
  const known = output === undefined ? [] : await readKnownOutputs(repo, ports, run);
  checkOutputName(run, known, output);
  // Of a run that the queue does not know it cannot tell the digest.
  const digest = known.find((one) => one.name === output)?.digest;
  const target = { run, output, digest: digest !== undefined && isDigest(digest) ? digest : undefined };
  const { caller, expect } = request;
  const outcome = await ports.store.setAlias(name, target, { caller, expect });
  if (outcome.kind === "set") return { name, version: outcome.version, run, output };
  const found = outcome.version === 0 ? "is not there" : `is at version ${outcome.version}`;
  throw new AexpError(`the alias ${JSON.stringify(name)} ${found}, and not at version ${expect}; nothing was changed`, {
    code: "alias.conflict",
    hint: `\`aexp alias log ${name}\` says who set it; --expect ${outcome.version} sets it nevertheless.`,
  });
}

/** @throws {AexpError} `alias.name_invalid` */
export function parseAliasName(text: string): string {
  const name = text.startsWith("@") ? text.slice(1) : text;
  if (isAliasName(name)) return name;
  const why = name === "last" ? "is taken: @last is the newest run" : "is no name of an alias";
  throw new AexpError(`${JSON.stringify(text)} ${why}`, {
    code: "alias.name_invalid",
    hint: "Use letters, digits, _, . and -; begin with a letter, a digit or _.",
  });
}

async function hasSucceeded(repo: Repo, ports: AliasPorts, run: RunReferred["run"]): Promise<boolean> {
  if ((await findSucceeded(repo, ports, [run])).has(run)) return true;
  const isKnownHere = repo.runs.has(run) || (await ports.store.tasks({ ids: [run] })).length > 0;
  return !isKnownHere && statusOf(repo, run) === "complete";
}

function statusOf(repo: Repo, run: RunReferred["run"]): string {
  return rowOf(repo, run).row.status ?? "without a status";
}
