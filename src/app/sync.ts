import { setTimeout as sleep } from "node:timers/promises";

import type { Branch, BranchState, SharedChange, Upstream } from "../git/branch.ts";
import { isEntryPath } from "../git/shared-paths.ts";
import { mergeEntryTexts } from "../ledger/merge.ts";
import { AexpError } from "../model/errors.ts";
import { isJobId } from "../run/job-id.ts";
import type { Repo } from "./repo.ts";

/** What a sync is asked to do. */
export interface SyncOptions {
  /** First line of the commit's message, instead of one that counts what is in it. */
  readonly message?: string | undefined;
  /** Commit and integrate only. */
  readonly noPush?: boolean;
  /** Say what would be committed, and change nothing. */
  readonly dryRun?: boolean;
}

/** What a sync did. */
export interface SyncOutcome {
  /** The commit that was made, or `null` when nothing was to be committed. */
  readonly commit: string | null;
  /** What it holds; with `--dry-run`, what it would hold. */
  readonly changes: readonly SharedChange[];
  /** Shared files that came from other machines. */
  readonly received: readonly SharedChange[];
  /** Commits that others can see now. */
  readonly pushed: number;
  /** How often the push was tried. */
  readonly attempts: number;
  /** Where to, e.g. `origin main`; `null` when this repository has no remote. */
  readonly upstream: string | null;
}

/** Another machine was faster: so often the push is tried before the user is asked to. */
const MAX_ATTEMPTS = 20;
const LONGEST_PAUSE_MS = 1000;

/**
 * Commits the shared files, puts them on top of what other machines have pushed, and pushes them. What the user has
 * staged or changed elsewhere is not touched. Being killed at any point leaves a state that the next call goes on from.
 *
 * @throws {AexpError} `sync.detached_head`, `sync.operation_in_progress`, `sync.no_upstream`, `sync.conflict`,
 *   `sync.push_rejected`, `sync.busy`, `git.failed`
 */
export async function syncRepo(repo: Repo, branch: Branch, options: SyncOptions = {}): Promise<SyncOutcome> {
  if (!(await repo.git.isRepository())) {
    throw new AexpError(`${JSON.stringify(repo.root)} is not in a git repository`, {
      code: "repo.not_found",
      hint: "Run `git init` there first.",
    });
  }
  return await branch.exclusively(async () => {
    const upstream = checkState(await branch.state(), options);
    const name = upstream === undefined ? null : `${upstream.remote} ${upstream.ref.replace("refs/heads/", "")}`;
    const outcome = { commit: null, changes: [], received: [], pushed: 0, attempts: 0, upstream: name };
    if (options.dryRun === true) return { ...outcome, changes: await branch.sharedChanges() };
    const made = await branch.commitShared((changes) => describe(repo, changes, options.message));
    const committed = { ...outcome, commit: made?.commit ?? null, changes: made?.changes ?? [] };
    if (upstream === undefined) return committed;
    const shared = await share(branch, upstream, options.noPush === true);
    return { ...committed, ...shared, commit: made === undefined ? null : ((await branch.resolve("HEAD")) ?? null) };
  });
}

/** @returns the upstream to share with; `undefined` when everything stays here */
function checkState(state: BranchState, options: SyncOptions): Upstream | undefined {
  if (state.operation !== undefined) {
    const verb = state.operation.replace(/^an? /, "");
    throw new AexpError(`this repository is in the middle of ${state.operation}`, {
      code: "sync.operation_in_progress",
      hint: `Finish it with \`git ${verb} --continue\` or undo it with \`git ${verb} --abort\`; \`aexp ledger resolve\` merges entries in conflict.`,
    });
  }
  if (state.unmerged.length > 0) {
    throw new AexpError(`files have conflicts that nobody has solved yet: ${state.unmerged.join(", ")}`, {
      code: "sync.operation_in_progress",
      hint: "Run `aexp ledger resolve` for entries; solve the others and `git add` them.",
    });
  }
  if (state.name === undefined) {
    throw new AexpError("HEAD is detached: a commit made now would belong to no branch", {
      code: "sync.detached_head",
      hint: "Check out a branch with `git switch NAME`, or make one here with `git switch --create NAME`.",
    });
  }
  if (state.upstream !== undefined) return state.upstream;
  const [remote] = state.remotes.includes("origin") ? ["origin"] : state.remotes;
  if (remote === undefined || options.noPush === true || options.dryRun === true) return undefined;
  throw new AexpError(`the branch ${JSON.stringify(state.name)} has no upstream to share with`, {
    code: "sync.no_upstream",
    hint: `Name one with \`git push --set-upstream ${remote} ${state.name}\`, or commit only with \`aexp sync --no-push\`.`,
  });
}

async function share(
  branch: Branch,
  upstream: Upstream,
  noPush: boolean,
): Promise<Pick<SyncOutcome, "received" | "pushed" | "attempts">> {
  const received = new Map<string, SharedChange>();
  for (let attempt = 1; ; attempt += 1) {
    for (const change of await integrate(branch, upstream)) received.set(change.path, change);
    const head = await branch.resolve("HEAD");
    const theirs = await branch.resolve("@{upstream}");
    const done = { received: [...received.values()], pushed: 0, attempts: attempt - 1 };
    if (head === undefined || head === theirs || noPush) return done;
    const ahead = await branch.countCommits(theirs, head);
    if ((await branch.push(upstream, head)) === "pushed") return { ...done, pushed: ahead, attempts: attempt };
    if (attempt === MAX_ATTEMPTS) throw rejected(upstream);
    await sleep(Math.random() * Math.min(LONGEST_PAUSE_MS, 25 * 2 ** attempt));
  }
}

/** Puts our commits on top of what others have pushed. @returns the shared files that came */
async function integrate(branch: Branch, upstream: Upstream): Promise<readonly SharedChange[]> {
  if (upstream.remote !== ".") await branch.fetch(upstream.remote);
  const [head, theirs] = [await branch.resolve("HEAD"), await branch.resolve("@{upstream}")];
  if (theirs === undefined || head === theirs) return []; // an empty remote, or nothing new anywhere
  if (head === undefined) {
    await branch.moveTo(undefined, theirs);
    return await branch.changesBetween(undefined, theirs);
  }
  if ((await branch.countCommits(head, theirs)) === 0) return [];
  const replay = await branch.replay(head, theirs, mergeEntry);
  if (replay.kind === "conflict") throw conflict(replay.files);
  const received = await branch.changesBetween(head, replay.commit);
  await branch.moveTo(head, replay.commit);
  return received;
}

function mergeEntry(path: string, ours: string, theirs: string): string | undefined {
  return mergeEntryTexts(path.slice(path.lastIndexOf("/") + 1), ours, theirs);
}

function conflict(files: readonly string[]): AexpError {
  return new AexpError(`another machine has changed the same lines of ${files.join(", ")}`, {
    code: "sync.conflict",
    hint: "Your changes are committed here and nothing is half done. Run `git pull --rebase --autostash`, solve the conflict, then `aexp sync` again.",
  });
}

function rejected(upstream: Upstream): AexpError {
  return new AexpError(`other machines were faster ${MAX_ATTEMPTS} times: nothing was pushed to ${upstream.remote}`, {
    code: "sync.push_rejected",
    hint: "Everything is committed here. Run `aexp sync` again.",
  });
}

/** The message of the commit: counts in the first line, then what came, one line each. */
function describe(repo: Repo, changes: readonly SharedChange[], subject: string | undefined): string {
  const first = subject ?? `aexp sync: ${summarize(changes)} from ${repo.machineLabel}`;
  return `${first}\n\n${changes.map((change) => describeChange(repo, change)).join("\n")}\n`;
}

/** "2 entries, 1 note": what kinds of files changed. */
export function summarize(changes: readonly SharedChange[]): string {
  const kinds = { entry: 0, note: 0, "other file": 0 };
  for (const { path } of changes) kinds[kindOf(path)] += 1;
  const parts = Object.entries(kinds)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${count === 1 ? kind : kind.replace(/y$/, "ie").concat("s")}`);
  return parts.join(", ") || "nothing";
}

function kindOf(path: string): "entry" | "note" | "other file" {
  if (isEntryPath(path)) return "entry";
  return path.startsWith("kb/") && !path.endsWith("/.gitkeep") ? "note" : "other file";
}

function describeChange(repo: Repo, { kind, path }: SharedChange): string {
  const id = path.slice(path.lastIndexOf("/") + 1, -".json".length);
  if (!isEntryPath(path) || !isJobId(id)) return `${kind} ${path}`;
  const read = repo.ledger.read(id);
  if (read?.kind !== "entry") return `${kind} entry ${id}`;
  const { status, run_link: link } = read.record.entry;
  return `${kind} entry ${id} ${status}${link === undefined ? "" : ` ${link.experiment_id}`}`;
}
