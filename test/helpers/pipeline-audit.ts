import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";

import type { Repo } from "../../src/app/repo.ts";
import { ExactNumber, type Exact } from "../../src/model/exact-json.ts";
import { parseInputRecords } from "../../src/pipeline/resolved-inputs.ts";
import { type InputSource, readStageWork, type StageWork } from "../../src/pipeline/stage-work.ts";
import type { QueueStore } from "../../src/queue/queue-store.ts";
import type { RunOutput } from "../../src/queue/run-output.ts";
import type { Task } from "../../src/queue/task.ts";
import { isSuccess } from "../../src/queue/transitions.ts";
import type { JobId } from "../../src/run/job-id.ts";
import type { PipelinePlan } from "./chaos-pipelines.ts";
import { git } from "./git-repo.ts";
import { describe } from "./queue-audit.ts";

/** A line that `chaos-stage.sh` wrote, in the order in which things happened. */
export interface StageLine {
  /** `begin`, `end`, `fail`, or `violation:COUNT`. */
  readonly what: string;
  readonly id: string;
  readonly attempt: number;
  /** The same for the same work. */
  readonly work: string;
  readonly stage: string;
}

export function readStageLog(path: string): readonly StageLine[] {
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => {
    const [what = "", id = "", attempt = "", work = "", stage = ""] = line.split(" ");
    return { what, id, attempt: Number(attempt), work, stage };
  });
}

/** What an output says, be it a file or a folder of files. */
function readAll(path: string): string {
  if (!statSync(path).isDirectory()) return readFileSync(path, "utf8");
  const files = globSync("*", { cwd: path }).toSorted();
  return files.map((file) => readFileSync(join(path, file), "utf8")).join("");
}

/** What every stage of a queue must have written, as its pipeline's file and the code that it was keyed with say. */
class ExpectedTexts {
  readonly #root: string;
  readonly #tasks: ReadonlyMap<JobId, Task>;
  readonly #texts = new Map<JobId, string>();
  readonly #extras = new Map<string, string>();

  constructor(root: string, tasks: readonly Task[]) {
    this.#root = root;
    this.#tasks = new Map(tasks.map((task) => [task.id, task]));
  }

  of(id: JobId): string {
    const known = this.#texts.get(id);
    if (known !== undefined) return known;
    const task = this.#tasks.get(id);
    if (task?.spec.stage === undefined) throw new Error(`no stage ${id}`);
    const work = readStageWork(task.spec.stage);
    const texts = work.inputs.map((input) => this.#read(task, input));
    const text = `${texts.join("")}${this.#own(work)}\n`;
    this.#texts.set(id, text);
    return text;
  }

  #read(task: Task, input: InputSource): string {
    if (input.kind === "path") return readFileSync(join(this.#root, input.path), "utf8");
    if (input.kind === "run") return this.of(input.run);
    // Which elements are in the list depends on which of them succeeded.
    const record = parseInputRecords(task.inputs)?.get(input.name);
    return record?.kind === "list" ? record.elements.map(({ run }) => this.of(run)).join("") : "";
  }

  #own({ stage, parameters, code }: StageWork): string {
    const half = Math.floor(Number(textOf(parameters.get("p"))) / 2);
    return `${stage} ${half} ${textOf(parameters.get("e")) || "whole"}${"tree" in code ? this.#extraOf(code.tree) : ""}`;
  }

  #extraOf(tree: string): string {
    const known = this.#extras.get(tree);
    if (known !== undefined) return known;
    const isThere = git(this.#root, "ls-tree", "--name-only", tree, "extra") !== "";
    const extra = isThere ? ` ${git(this.#root, "cat-file", "-p", `${tree}:extra`)}` : "";
    this.#extras.set(tree, extra);
    return extra;
  }
}

function textOf(value: Exact | undefined): string {
  return value instanceof ExactNumber ? String(value.toNumber()) : "";
}

/** What a test did to runs that had succeeded. */
export interface Damage {
  /** The run whose folder the output lay in. */
  readonly holder: JobId;
  /** What was submitted after this many tasks must not take it; `undefined` when others were just looking. */
  readonly before: number | undefined;
}

/** What is checked of stages that have ended. */
export interface StageAudit {
  readonly repo: Repo;
  readonly store: QueueStore;
  readonly plan: PipelinePlan;
  readonly tasks: readonly Task[];
  readonly log: readonly StageLine[];
  readonly damages: readonly Damage[];
}

/**
 * Checks stages against what their programs wrote down: each ran as often as it may and never beside an equal one, what it
 * gave is what an execution gives, and nobody has a result that is not one.
 */
export async function expectStages({ repo, store, plan, tasks, log, damages }: StageAudit): Promise<void> {
  expect(log.filter(({ what }) => what.startsWith("violation"))).toEqual([]);
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const damaged = new Set(damages.map(({ holder }) => holder));
  const outputs = Map.groupBy(await store.outputs(tasks.map(({ id }) => id)), ({ run }) => run);
  await expectBegins(store, tasks, log);
  expectOnce(tasks, damaged);
  expectReasons(plan, tasks, damages);
  const expected = new ExpectedTexts(repo.root, tasks);
  for (const [place, task] of tasks.entries()) {
    const own = (outputs.get(task.id) ?? []).filter(({ item }) => item === "");
    expect(own.length, `outputs of ${describe(task)}`).toBe(isSuccess(task.state) ? 1 : 0);
    for (const output of own) {
      expectRecorded(repo, task, output);
      if (damaged.has(output.holder)) continue;
      const text = readAll(join(repo.runs.workspaceOf(output.holder), output.path));
      expect({ run: describe(task), text }).toEqual({ run: describe(task), text: expected.of(task.id) });
    }
    if (task.state === "cached") expectTaken(task, place, { byId, outputs, damages });
    else expect(own.map(({ holder }) => holder)).toEqual(own.map(() => task.id));
  }
}

/** Each attempt began once, and is known to the queue; of one that was taken from the cache none has succeeded. */
async function expectBegins(store: QueueStore, tasks: readonly Task[], log: readonly StageLine[]): Promise<void> {
  const begins = Map.groupBy(
    log.filter(({ what }) => what === "begin"),
    ({ id }) => id,
  );
  const ended = new Set(log.filter(({ what }) => what === "end").map(({ id, attempt }) => `${id} ${attempt}`));
  for (const task of tasks) {
    const attempts = await store.attempts(task.id);
    const mine = (begins.get(task.id) ?? []).map(({ attempt }) => attempt);
    const successes = attempts.filter(({ outcome }) => outcome === "complete").map(({ n }) => n);
    expect({
      run: describe(task),
      twice: mine.filter((n, at) => mine.indexOf(n) !== at),
      unknown: mine.filter((n) => !attempts.some((attempt) => attempt.n === n)),
      successes,
      hasEnded: successes.every((n) => ended.has(`${task.id} ${n}`)),
    }).toEqual({
      run: describe(task),
      twice: [],
      unknown: [],
      successes: task.state === "complete" ? [task.attempt] : [],
      hasEnded: true,
    });
  }
}

/** Of one key there is one success, and another one only for each whose output was damaged. */
function expectOnce(tasks: readonly Task[], damaged: ReadonlySet<JobId>): void {
  const executed = tasks.filter(({ state, cacheKey }) => state === "complete" && cacheKey !== undefined);
  for (const [key, same] of Map.groupBy(executed, ({ cacheKey }) => cacheKey)) {
    const sound = same.filter(({ id }) => !damaged.has(id));
    expect(sound.length, `of ${key}: ${same.map(describe).join("; ")}`).toBeLessThanOrEqual(1);
  }
}

/** Nothing failed but what is made to, what lost an input to the test, and what these took along. */
function expectReasons(plan: PipelinePlan, tasks: readonly Task[], damages: readonly Damage[]): void {
  const failing = new Set(plan.filter(({ how }) => how === "fail").map(({ name }) => name));
  const isFailing = ({ spec }: Task): boolean =>
    failing.has(spec.stage?.stage ?? "") && spec.stage?.["element"] === "e=1";
  const known = new Set(tasks.map(({ id }) => id));
  const strange = tasks.filter((task) => {
    const { state, reason } = task;
    if (isSuccess(state)) return false;
    if (reason?.code === "exit_nonzero") return !isFailing(task);
    if (reason?.code === "needs_failed") return reason.because !== undefined && !known.has(reason.because);
    if (reason?.code === "input_missing" || reason?.code === "input_changed") return damages.length === 0;
    // It was stopped, and then what it needs failed for good.
    return reason?.code !== "operator_stop";
  });
  expect(strange.map(describe)).toEqual([]);
}

/** Document and ledger entry tell of the same output. */
function expectRecorded(repo: Repo, task: Task, { name, digest, bytes }: RunOutput): void {
  const { facts } = repo.runs.read(task.id).document;
  const read = repo.ledger.read(task.id);
  const entry = read?.kind === "entry" ? read.record.entry : undefined;
  expect({
    run: describe(task),
    from: facts.stage?.cached_from,
    key: facts.stage?.cache_key,
    output: facts.outputs?.[name]?.digest,
    entry: entry?.outputs,
  }).toEqual({
    run: describe(task),
    from: task.cachedFrom,
    key: task.cacheKey,
    output: digest,
    entry: [{ name, digest, bytes }],
  });
}

/** A cached run has the outputs of one that was executed for the same key, and not of one that was damaged before. */
function expectTaken(
  task: Task,
  place: number,
  {
    byId,
    outputs,
    damages,
  }: {
    readonly byId: ReadonlyMap<JobId, Task>;
    readonly outputs: ReadonlyMap<JobId, readonly RunOutput[]>;
    readonly damages: readonly Damage[];
  },
): void {
  const from = task.cachedFrom === undefined ? undefined : byId.get(task.cachedFrom);
  const places = (id: JobId | undefined): readonly string[] =>
    (id === undefined ? [] : (outputs.get(id) ?? [])).map(
      ({ name, item, digest, holder, path }) => `${name}/${item} ${digest} ${holder}/${path}`,
    );
  const stale = damages.filter(({ holder, before }) => holder === from?.id && before !== undefined && place >= before);
  expect({ run: describe(task), key: from?.cacheKey, state: from?.state, places: places(from?.id), stale }).toEqual({
    run: describe(task),
    key: task.cacheKey,
    state: "complete",
    places: places(task.id),
    stale: [],
  });
}
