import type { QueueStore } from "../queue/queue-store.ts";
import { ACTIVE_STATES, type TaskState } from "../queue/task.ts";
import { RUN_STATUSES, type RunStatus } from "../run/run-status.ts";
import { isRunStatus, isTerminal } from "../run/run-status.ts";
import { WORKER_SILENT_MS } from "./queue-situation.ts";
import type { Repo } from "./repo.ts";
import { validateRepo } from "./validate-repo.ts";

/** What `aexp status` tells, as one value. */
export interface RepoStatus {
  readonly machine_label: string;
  readonly installed: boolean;
  /** Local runs by status. */
  readonly runs: Readonly<Record<RunStatus, number>>;
  /** Runs that cannot be read, or whose status is none of ours. */
  readonly other_runs: number;
  readonly ledger_entries: number;
  /** Finished local runs without an entry. */
  readonly unpromoted: number;
  /** Entries, notes and blocks that are not committed. */
  readonly uncommitted: number;
  /** Commits that other machines cannot see yet; `null` where the branch has no upstream. */
  readonly unpushed: number | null;
  /** `null` where nothing was ever queued. */
  readonly queue: QueueSummary | null;
  readonly issues: readonly { readonly code: string; readonly severity: string; readonly count: number }[];
  /** The command that is worth typing next. */
  readonly next: string;
}

/** The queue in a few numbers. */
export interface QueueSummary {
  /** Runs that may start. */
  readonly queued: number;
  readonly running: number;
  /** Runs that wait for others. */
  readonly waiting: number;
  readonly paused_lanes: readonly string[];
  /** Workers that were heard of lately. */
  readonly workers: number;
  /** Changes that are to reach documents, ledger and hooks, and those that were given up. */
  readonly outbox: { readonly pending: number; readonly dead: number };
}

/** What the summary asks of the queue. */
export type QueueSummarySource = Pick<QueueStore, "now" | "counts" | "lanes" | "workers" | "outboxCounts">;

/** The folders that `aexp sync` commits. */
const SHARED = [".aexp/ledger", ".aexp/runs-index", "kb", ".gitignore", ".gitattributes"];

/**
 * Gathers the state of a repository: runs, what others cannot see yet, and the validator's issues by code.
 *
 * @param onProgress told after every run or entry that was checked
 * @param store absent where nothing was ever queued
 */
export async function readStatus(
  repo: Repo,
  onProgress?: (done: number) => void,
  store?: QueueSummarySource,
): Promise<RepoStatus> {
  const entries = new Set(repo.ledger.listJobIds());
  const counts = countRuns(repo, entries);
  const isRepository = await repo.git.isRepository();
  const [uncommitted, unpushed, issues] = await Promise.all([
    isRepository ? repo.git.uncommittedFiles(SHARED).then((files) => files.length) : 0,
    isRepository ? repo.git.unpushedCommitCount(SHARED).then((count) => count ?? null) : null,
    countIssues(repo, onProgress),
  ]);
  const facts = {
    machine_label: repo.machineLabel,
    installed: repo.marker !== undefined,
    ...counts,
    ledger_entries: entries.size,
    uncommitted,
    unpushed,
    queue: store === undefined ? null : await summarizeQueue(store),
    issues,
  };
  return { ...facts, next: suggestNext(facts) };
}

async function summarizeQueue(store: QueueSummarySource): Promise<QueueSummary> {
  const counts = await store.counts();
  const count = (states: readonly TaskState[]): number =>
    counts.reduce((sum, { state, count: n }) => (states.includes(state) ? sum + n : sum), 0);
  const now = await store.now();
  return {
    queued: count(["queued"]),
    running: count(ACTIVE_STATES),
    waiting: count(["blocked", "created"]),
    paused_lanes: (await store.lanes()).flatMap(({ name, isPaused }) => (isPaused ? [name] : [])),
    workers: (await store.workers()).filter(({ beatAt }) => beatAt > now - WORKER_SILENT_MS).length,
    outbox: await store.outboxCounts(),
  };
}

function countRuns(repo: Repo, entries: ReadonlySet<string>): Pick<RepoStatus, "runs" | "other_runs" | "unpromoted"> {
  const runs = { created: 0, queued: 0, running: 0, complete: 0, failed: 0, stopped: 0, abandoned: 0 };
  let others = 0;
  let unpromoted = 0;
  if (!repo.runs.exists()) return { runs, other_runs: 0, unpromoted: 0 };
  for (const read of repo.runs.readAll()) {
    const status = read.kind === "run" ? read.run.document.statusText : undefined;
    if (read.kind === "unreadable" || status === undefined || !isRunStatus(status)) {
      others += 1;
      continue;
    }
    runs[status] += 1;
    if (isTerminal(status) && !entries.has(read.run.jobId)) unpromoted += 1;
  }
  return { runs, other_runs: others, unpromoted };
}

async function countIssues(repo: Repo, onProgress?: (done: number) => void): Promise<RepoStatus["issues"]> {
  const { issues } = await validateRepo(repo, { strictRuns: "error", onProgress });
  const byCode = new Map<string, { code: string; severity: string; count: number }>();
  for (const { code, severity } of issues) {
    const known = byCode.get(code);
    if (known === undefined) byCode.set(code, { code, severity, count: 1 });
    else known.count += 1;
  }
  return [...byCode.values()].toSorted((a, b) =>
    a.severity === b.severity ? (a.code < b.code ? -1 : 1) : a.severity === "error" ? -1 : 1,
  );
}

/** The first thing that stands between this clone and a shared, validated state. */
function suggestNext(status: Omit<RepoStatus, "next">): string {
  const total =
    RUN_STATUSES.reduce((sum, name) => sum + status.runs[name], 0) + status.other_runs + status.ledger_entries;
  if (!status.installed) return "aexp install";
  if (total === 0) return "aexp run --experiment E001 --sp key=value -- COMMAND";
  if (status.queue !== null && status.queue.queued > 0 && status.queue.workers === 0) {
    return "aexp worker start --until-empty";
  }
  if (status.unpromoted > 0) return "aexp ledger backfill";
  if (status.issues.some(({ severity }) => severity === "error")) return "aexp validate";
  if (status.uncommitted > 0 || (status.unpushed ?? 0) > 0) return "aexp sync";
  return "aexp runs list";
}
