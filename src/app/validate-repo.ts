import { relative, resolve } from "node:path";

import { AexpError } from "../model/errors.ts";
import type { Issue } from "../model/issue.ts";
import { didYouMean } from "../model/nearest.ts";
import { checkRepository } from "../validate/check.ts";
import { type Scope, STRICTNESSES, type Strictness } from "../validate/context.ts";
import { Selection } from "../validate/selection.ts";
import type { NoteFix } from "./fix-notes.ts";
import type { Repo } from "./repo.ts";

const DEFAULT_HEARTBEAT_S = 30;

/** What is checked, and how strictly. */
export interface ValidateOptions {
  /** How citations of runs that are nowhere are told. */
  readonly strictRuns: Strictness;
  readonly scope?: Scope;
  /** Absolute paths; only issues at or below them are reported. None: all are. */
  readonly paths?: readonly string[];
  /** Whether missing links between notes and missing aliases are added first. */
  readonly fix?: boolean;
  /** Seconds between heartbeats, where they are not the usual 30. */
  readonly heartbeatIntervalS?: number | undefined;
  /** Told after every run or entry that was looked at. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** The result of a validation, as `--json` prints it. */
export interface ValidationReport {
  /** Whether there are no errors. */
  readonly ok: boolean;
  readonly counts: {
    readonly errors: number;
    readonly warnings: number;
    readonly runs: number;
    readonly entries: number;
    readonly findings: number;
    /** Notes of the research graph; the findings are among them. */
    readonly notes: number;
  };
  /** What was repaired; absent unless that was asked for. */
  readonly fixed?: readonly NoteFix[];
  readonly issues: readonly Issue[];
}

/**
 * Checks notes, runs and ledger. It reads and, unless `fix` is asked for, never writes; a check that fails becomes an
 * issue.
 *
 * @throws {AexpError} `validate.usage` for a path outside the repository, and what `fixNotes` throws
 */
export async function validateRepo(repo: Repo, options: ValidateOptions): Promise<ValidationReport> {
  const selection = new Selection((options.paths ?? []).map((path) => toRepoPath(repo, path)));
  const fixed = options.fix === true ? await fixSelected(repo, selection) : undefined;
  const { issues, checked } = await checkRepository(
    {
      ...repo,
      places: { root: repo.root, runStore: repo.runs.path, home: repo.home },
      nowMs: repo.clock.nowMs(),
      uncommittedEntries: () => uncommittedEntries(repo),
    },
    {
      strictness: options.strictRuns,
      scope: options.scope ?? "all",
      heartbeatIntervalS: options.heartbeatIntervalS ?? DEFAULT_HEARTBEAT_S,
      isSelected: selection.includes,
      isNamed: selection.names,
      onProgress: options.onProgress,
    },
  );
  for (const path of selection.unmatched()) repo.warn(`nothing was reported or checked at ${JSON.stringify(path)}`);
  const errors = issues.filter(({ severity }) => severity === "error").length;
  const counts = { errors, warnings: issues.length - errors, ...checked };
  return { ok: errors === 0, counts, ...(fixed === undefined ? {} : { fixed }), issues };
}

async function fixSelected(repo: Repo, selection: Selection): Promise<readonly NoteFix[]> {
  const { fixNotes } = await import("./fix-notes.ts");
  return await fixNotes(repo, selection.includes);
}

/** @throws {AexpError} `validate.usage`, naming the nearest strictness */
export function parseStrictness(text: string): Strictness {
  const found = STRICTNESSES.find((strictness) => strictness === text);
  if (found !== undefined) return found;
  // "warning" and "err" are meant, though they are many letters away.
  const akin = STRICTNESSES.find(
    (strictness) => text.startsWith(strictness) || (text !== "" && strictness.startsWith(text)),
  );
  throw new AexpError(`unknown strictness ${JSON.stringify(text)}.${didYouMean(akin ?? text, STRICTNESSES)}`, {
    code: "validate.usage",
    hint: `--strict-runs takes ${STRICTNESSES.join(", ")}.`,
  });
}

/** A folder that is no git repository, or that has no commit yet, shares nothing; there is nothing to remind of. */
async function uncommittedEntries({ git }: Repo): Promise<readonly string[]> {
  if ((await git.headCommit()) === undefined) return [];
  const files = await git.uncommittedFiles([".aexp/ledger"]);
  return files.filter((file) => /(?:^|\/)[0-9a-f]{32}\.json$/.test(file));
}

function toRepoPath(repo: Repo, path: string): string {
  const inside = relative(repo.root, resolve(path)).replaceAll("\\", "/");
  if (inside !== ".." && !inside.startsWith("../")) return inside;
  throw new AexpError(`${JSON.stringify(path)} is outside the repository ${JSON.stringify(repo.root)}`, {
    code: "validate.usage",
    hint: "Name files or folders inside of it, or --repo for another repository.",
  });
}
