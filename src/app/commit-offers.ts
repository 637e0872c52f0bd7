import type { WorkTrees } from "../git/work-trees.ts";
import { messageOf } from "../model/errors.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { CodeWatch } from "./code-watch.ts";
import type { Repo } from "./repo.ts";

/** What a worker's offers are made of. */
export interface OfferPorts {
  readonly store: Pick<QueueStore, "wantedCommits">;
  readonly code: CodeWatch;
  /** Work trees of other commits, where the worker makes such. */
  readonly workTrees: WorkTrees | undefined;
}

/**
 * The commits that other machines' runs want and that are here, once all that are missing have come or will not: for a
 * look that is not repeated.
 *
 * @param tell - hears of each commit that cannot be fetched
 */
export async function obtainWanted(
  { machineLabel }: Pick<Repo, "machineLabel">,
  { store, workTrees }: Pick<OfferPorts, "store"> & { readonly workTrees: WorkTrees },
  tell: (problem: string) => void,
): Promise<readonly string[]> {
  const obtained: string[] = [];
  for (const commit of await store.wantedCommits(machineLabel)) {
    try {
      await workTrees.obtain(commit);
      obtained.push(commit);
    } catch (error) {
      tell(leftToOthers(error));
    }
  }
  return obtained;
}

function leftToOthers(error: unknown): string {
  return `${messageOf(error)}; runs that want it are left to others`;
}

/** So long the work tree is taken to have the commit that it had, and the queue to want what it wanted unless it changes. */
const FRESH_MS = 5000;
/** A commit that could not be fetched may have been pushed by then. */
const AGAIN_MS = 60_000;

/** Tells which of the commits that other machines' runs want can be executed on this one. */
export class CommitOffers {
  readonly #repo: Pick<Repo, "machineLabel" | "clock">;
  readonly #ports: OfferPorts;
  readonly #tell: (problem: string) => void;
  readonly #onSettled: () => void;
  #wanted: { readonly atMs: number; readonly commits: readonly string[] } | undefined;
  #head: { readonly atMs: number; readonly commit: string | undefined } | undefined;
  readonly #fetched = new Set<string>();
  readonly #fetching = new Set<string>();
  /** When each could not be fetched last. */
  readonly #failed = new Map<string, number>();

  /**
   * @param on - `problem` hears of each commit that cannot be fetched, once; `settled` is called when one has come, or
   *   will not
   */
  constructor(
    repo: Pick<Repo, "machineLabel" | "clock">,
    ports: OfferPorts,
    on: { readonly problem: (problem: string) => void; readonly settled: () => void },
  ) {
    this.#repo = repo;
    this.#ports = ports;
    this.#tell = on.problem;
    this.#onSettled = on.settled;
  }

  /** Those that can be executed now. Missing ones are fetched meanwhile, and nobody waits for that. */
  async now(): Promise<readonly string[]> {
    const wanted = await this.#readWanted();
    if (wanted.length === 0) return [];
    const head = await this.head();
    if (this.#ports.workTrees === undefined) return wanted.filter((commit) => commit === head);
    for (const commit of wanted) this.#fetch(this.#ports.workTrees, commit);
    return wanted.filter((commit) => commit === head || this.#fetched.has(commit));
  }

  /** Whether a commit is on its way, with which there may be more to do. */
  get isFetching(): boolean {
    return this.#fetching.size > 0;
  }

  /** The commit of the work tree; `undefined` when something of it is changed. */
  async head(): Promise<string | undefined> {
    const atMs = this.#repo.clock.monotonicMs();
    if (this.#head === undefined || atMs - this.#head.atMs > FRESH_MS) {
      const { commit, patch } = await this.#ports.code.now();
      this.#head = { atMs, commit: patch === undefined ? commit : undefined };
    }
    return this.#head.commit;
  }

  /** Something has changed in the queue. */
  forget(): void {
    this.#wanted = undefined;
  }

  async #readWanted(): Promise<readonly string[]> {
    const atMs = this.#repo.clock.monotonicMs();
    if (this.#wanted === undefined || atMs - this.#wanted.atMs > FRESH_MS) {
      this.#wanted = { atMs, commits: await this.#ports.store.wantedCommits(this.#repo.machineLabel) };
    }
    return this.#wanted.commits;
  }

  #fetch(workTrees: WorkTrees, commit: string): void {
    const failedMs = this.#failed.get(commit);
    const now = this.#repo.clock.monotonicMs();
    if (this.#fetched.has(commit) || this.#fetching.has(commit)) return;
    if (failedMs !== undefined && now - failedMs < AGAIN_MS) return;
    void this.#obtain(workTrees, commit);
  }

  async #obtain(workTrees: WorkTrees, commit: string): Promise<void> {
    this.#fetching.add(commit);
    try {
      await workTrees.obtain(commit);
      this.#fetched.add(commit);
    } catch (error) {
      if (!this.#failed.has(commit)) this.#tell(leftToOthers(error));
      this.#failed.set(commit, this.#repo.clock.monotonicMs());
    }
    this.#fetching.delete(commit);
    this.#onSettled();
  }
}
