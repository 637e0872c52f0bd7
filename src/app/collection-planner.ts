import { parseInstant } from "../model/clock.ts";
import { AexpError } from "../model/errors.ts";
import { isJsonObject } from "../model/json.ts";
import type { KeptOutputs } from "../output/output-store.ts";
import type { RunOutput } from "../queue/run-output.ts";
import { isTerminalState, type Task } from "../queue/task.ts";
import { isSuccess } from "../queue/transitions.ts";
import type { RunFacts } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";
import { isTerminal } from "../run/run-status.ts";
import {
  type CollectableOutputs,
  COLLECTION_REASONS,
  type CollectionPlan,
  type CollectionRules,
} from "./collectable-outputs.ts";
import { attemptOfPath } from "./output-places.ts";
import { type ProtectedOutputs, type ProtectionReason, type QueueView, stageKeyOf } from "./protected-outputs.ts";
import type { Repo } from "./repo.ts";

/** Judges what lies in the folders of runs, one attempt at a time. */
export class CollectionPlanner {
  readonly #repo: Repo;
  readonly #wanted: ProtectedOutputs;
  readonly #rules: CollectionRules;
  readonly #tasks: ReadonlyMap<JobId, Task>;
  /** Those of all runs by the attempt that wrote them. */
  readonly #rows: ReadonlyMap<string, readonly RunOutput[]>;
  /** Runs whose outputs the queue knows. */
  readonly #registered: ReadonlySet<JobId>;
  readonly #collectable: Candidate[] = [];
  readonly #kept: Partial<Record<ProtectionReason | "recent", number>> = {};
  readonly #leftovers = new Map<JobId, number>();

  constructor(repo: Repo, { tasks, outputs }: QueueView, wanted: ProtectedOutputs, rules: CollectionRules) {
    this.#repo = repo;
    this.#wanted = wanted;
    this.#rules = rules;
    this.#tasks = new Map(tasks.map((task) => [task.id, task]));
    this.#registered = new Set(outputs.keys());
    this.#rows = Map.groupBy(
      [...outputs.values()].flat(),
      ({ holder, path }) => `${holder}/${attemptOfPath(path) ?? 0}`,
    );
  }

  /** Takes what an attempt keeps into the plan. */
  add(run: JobId, outputs: KeptOutputs): void {
    const found = outputs.isKept ? this.find(run, outputs) : undefined;
    if (!outputs.isKept) this.#leftovers.set(run, outputs.attempt);
    else if (found === undefined) return;
    else if ("kept" in found) this.#kept[found.kept] = (this.#kept[found.kept] ?? 0) + 1;
    else this.#collectable.push(found);
  }

  /** @returns `undefined` for what is none of ours, or of a run that has not ended */
  find(
    run: JobId,
    { attempt, bytes, files }: KeptOutputs,
  ): Candidate | { readonly kept: ProtectionReason | "recent" } | undefined {
    const found = this.#judge(run, attempt);
    if (found === undefined) return undefined;
    const protection = this.#wanted.reasonOf(run, attempt);
    const isRecent = found.reason !== "superseded" && found.usedMs >= this.#rules.beforeMs;
    const kept = protection ?? (isRecent ? "recent" : undefined);
    return kept === undefined ? { run, attempt, bytes, files, ...found } : { kept };
  }

  #judge(run: JobId, attempt: number): (Judged & Pick<CollectableOutputs, "rows">) | undefined {
    const task = this.#tasks.get(run);
    // A copy of what another machine wrote.
    if (task !== undefined && task.machine !== this.#repo.machineLabel) return undefined;
    const rows = this.#rows.get(`${run}/${attempt}`) ?? [];
    const isForgotten = task === undefined || (isSuccess(task.state) && !this.#registered.has(run));
    const own = isForgotten ? this.#judgeForgotten(run, attempt) : judgeTask(task);
    if (own === undefined) return undefined;
    const users = rows.flatMap((row) => this.#tasks.get(row.run) ?? []).filter(({ state }) => isSuccess(state));
    const found = { ...own, rows: onePerPlace(rows) };
    if (users.length === 0) return found;
    return { ...found, reason: "old", usedMs: Math.max(...users.map(({ endedAt }) => endedAt ?? 0)) };
  }

  /** Of a run that the queue does not know its document tells. */
  #judgeForgotten(run: JobId, attempt: number): Judged | undefined {
    const facts = this.#readFacts(run);
    const stage = facts?.queue?.spec === undefined ? undefined : readStage(facts.queue.spec);
    if (facts === undefined || stage === undefined) return undefined;
    const { status, ended_at: endedAt } = facts;
    if (status === undefined || !isTerminal(status)) return undefined;
    const usedMs = (endedAt === undefined ? undefined : parseInstant(endedAt)) ?? 0;
    const { name } = stage;
    if (status !== "complete") return { name, reason: "unsuccessful", usedMs };
    if (attempt !== (facts.attempt ?? 1)) return { name, reason: "superseded", usedMs };
    return { name, reason: "old", usedMs, forgotten: stage.key };
  }

  #readFacts(run: JobId): RunFacts | undefined {
    try {
      return this.#repo.runs.read(run).document.facts;
    } catch (error) {
      if (error instanceof AexpError) return undefined;
      throw error;
    }
  }

  /** The plan of everything that was added. */
  finish(): CollectionPlan {
    const newest = new Set(this.#newestForgotten());
    if (newest.size > 0) this.#kept.newest = (this.#kept.newest ?? 0) + newest.size;
    const rest = this.#collectable.filter((item) => !newest.has(item));
    return {
      collectable: rest.toSorted((a, b) => rankOf(a) - rankOf(b) || a.usedMs - b.usedMs),
      kept: this.#kept,
      leftovers: this.#leftovers,
    };
  }

  /** Those that are kept as the newest of their stage, where the queue knows fewer than are to be kept. */
  #newestForgotten(): readonly Candidate[] {
    const stages = Map.groupBy(
      this.#collectable.filter(({ forgotten }) => forgotten !== undefined),
      ({ forgotten }) => forgotten ?? "",
    );
    return [...stages].flatMap(([stage, own]) => {
      const left = this.#rules.keepLast - (this.#wanted.newest.get(stage) ?? 0);
      return own.toSorted((a, b) => b.usedMs - a.usedMs).slice(0, Math.max(0, left));
    });
  }
}

function rankOf({ reason }: CollectableOutputs): number {
  return COLLECTION_REASONS.indexOf(reason);
}

/** @property forgotten the stage of a success that the queue does not know */
type Judged = Pick<CollectableOutputs, "name" | "reason" | "usedMs"> & { readonly forgotten?: string };
type Candidate = CollectableOutputs & Pick<Judged, "forgotten">;

/** Attempts that no run has as its outputs. */
function judgeTask({ spec, state, endedAt }: Task): Judged | undefined {
  if (spec.stage === undefined || !isTerminalState(state)) return undefined;
  const reason = isSuccess(state) ? "superseded" : "unsuccessful";
  return { name: spec.name ?? spec.stage.stage, reason, usedMs: endedAt ?? 0 };
}

/** The document may have been written by anybody. */
function readStage(spec: unknown): { readonly name: string; readonly key: string } | undefined {
  const stage = isJsonObject(spec) ? spec["stage"] : undefined;
  if (!isJsonObject(spec) || !isJsonObject(stage) || typeof stage["pipeline"] !== "string") return undefined;
  const { name, stage: word } = { name: spec["name"], stage: stage["stage"] };
  if (typeof word !== "string") return undefined;
  return { name: typeof name === "string" ? name : word, key: stageKeyOf(stage) };
}

function onePerPlace(rows: readonly RunOutput[]): readonly RunOutput[] {
  return [...new Map(rows.map((row) => [row.path, row])).values()];
}
