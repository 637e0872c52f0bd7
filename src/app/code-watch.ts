import { withoutUndefined } from "../model/json.ts";
import { parameterAt } from "../run/parameters.ts";
import type { JobId } from "../run/job-id.ts";
import { queueOf } from "./apply-mark.ts";
import { ownFolders } from "./register-run.ts";
import type { Repo } from "./repo.ts";

/** The code as it is while attempts begin. */
export interface CodeNow {
  readonly commit: string | undefined;
  /** What is not committed, as a patch; `undefined` when nothing is. */
  readonly patch: Uint8Array | undefined;
}

/** Git is not asked again so soon: of many short runs, most begin with the same code. */
const FRESH_MS = 1000;

/** Tells which code attempts are executed with, without asking git for each of them. */
export class CodeWatch {
  readonly #repo: Repo;
  #read: { readonly atMs: number; readonly code: Promise<CodeNow> } | undefined;

  constructor(repo: Repo) {
    this.#repo = repo;
  }

  async now(): Promise<CodeNow> {
    const atMs = this.#repo.clock.monotonicMs();
    if (this.#read === undefined || atMs - this.#read.atMs > FRESH_MS) this.#read = { atMs, code: this.#ask() };
    return await this.#read.code;
  }

  async #ask(): Promise<CodeNow> {
    const commit = await this.#repo.git.headCommit();
    if (commit === undefined) return { commit: undefined, patch: undefined };
    const patch = await this.#repo.git.patchOfChanges(ownFolders(this.#repo));
    return { commit, patch: patch.length > 0 ? patch : undefined };
  }
}

/** How the code that is there differs from the code that a run was queued with; `undefined` when it does not. */
export function describeCodeDifference(repo: Repo, jobId: JobId, { commit, patch }: CodeNow): string | undefined {
  const statePoint = repo.runs.readStatePoint(jobId);
  const queued = parameterAt(statePoint, "code_commit");
  if (typeof queued !== "string" || commit === undefined) return undefined;
  const wasDirty = parameterAt(statePoint, "code_dirty") === true;
  const differences = [
    ...(queued === commit ? [] : [`HEAD is ${commit.slice(0, 8)}, and was ${queued.slice(0, 8)} when it was queued`]),
    ...(patch !== undefined && !wasDirty ? ["the work tree has changes that are not committed"] : []),
    ...(patch === undefined && wasDirty ? ["the changes that were not committed are gone"] : []),
  ];
  return differences.length === 0 ? undefined : differences.join("; ");
}

/** Notes in a run's document how the code differs that it is about to be executed with, where that is news. */
export async function noteCodeDifference(repo: Repo, jobId: JobId, difference: string | undefined): Promise<void> {
  if (repo.runs.read(jobId).document.facts.queue?.code_diff_summary === difference) return;
  await repo.runs.updateDocument(
    jobId,
    ({ facts }) => ({ queue: withoutUndefined({ ...queueOf(facts), code_diff_summary: difference }) }),
    "later",
  );
}
