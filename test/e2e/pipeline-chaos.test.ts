import { appendFileSync, chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFailed } from "vitest";

import { listPipelines } from "../../src/app/show-pipeline.ts";
import { systemErrorCode } from "../../src/model/errors.ts";
import { isTerminalState, type Task, type TaskState } from "../../src/queue/task.ts";
import { judgeNeed } from "../../src/queue/transitions.ts";
import { type AexpProcess, startAexp } from "../helpers/aexp-process.ts";
import {
  changeState,
  firstState,
  type PipelinePlan,
  planPipeline,
  type PipelineState,
  toPipelineFile,
} from "../helpers/chaos-pipelines.ts";
import { runCli } from "../helpers/cli.ts";
import { type Damage, expectStages, readStageLog, type StageAudit, type StageLine } from "../helpers/pipeline-audit.ts";
import { expectSettled, untilDelivered } from "../helpers/queue-audit.ts";
import { makeQueueProject, type QueueProject } from "../helpers/queue-project.ts";
import { Random, seedFrom } from "../helpers/random.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { processesWith, startWorker, supervisorsOf, untilTold, type WorkerProcess } from "../helpers/worker-process.ts";

const ROUNDS = 3;
const STAGES = 6;
const WORKERS = 3;
const PROGRAM = join(import.meta.dirname, "..", "fixtures", "programs", "chaos-stage.sh");
const RAWS = ["raw-0.txt", "raw-1.txt"];
const HEALED_STATES: ReadonlySet<TaskState> = new Set(["stopped", "abandoned"]);
/** Of all that is killed. What this process executes in the end has leases that do not expire. */
const SHORT_LEASE = { AEXP_LEASE_S: "2" };
/** Even where a program takes seconds to start. */
const PATIENCE_MS = 150_000;

it("computes everything once, and loses nothing, while all that computes is killed", async () => {
  const seed = seedFrom("AEXP_CHAOS_SEED");
  onTestFailed(() => console.error(`AEXP_CHAOS_SEED=${seed} repeats what is submitted and what is done to it`));
  const chaos = await Chaos.begin(new Random(seed));

  for (let round = 0; round < ROUNDS; round += 1) await chaos.playRound();
  expect(await chaos.heal()).toEqual([]);
  await chaos.repeat();
  // All damage is made up for by now.
  const quiet = await chaos.repeat();

  expectNothingNew(quiet);
  const audit = await chaos.read();
  await expectSettled(audit.repo, audit.store, { isRepeated: true });
  await expectStages(audit);
  expect(await runCli(audit.repo.root, ["validate"])).toMatchObject({ exitCode: 0 });
  // Otherwise this test would prove nothing.
  expect(chaos.kills).toBeGreaterThan(3);
  expect(audit.damages.length).toBeGreaterThan(0);
}, 240_000);

/** What nobody may take is executed, and what fails; all else is cached, or was skipped with what failed. */
function expectNothingNew({
  tasks,
  begun,
}: {
  readonly tasks: readonly Task[];
  readonly begun: readonly string[];
}): void {
  const executed = tasks.filter((task) => task.state === "failed" || isAlone(task));
  expect(begun.toSorted()).toEqual(
    executed
      .filter(({ state }) => state !== "skipped")
      .map(({ id }) => id)
      .toSorted(),
  );
  const states = tasks.map((task) => (isAlone(task) && task.state === "complete" ? "alone" : task.state));
  expect(["cached", "failed", "skipped", "alone"]).toEqual(expect.arrayContaining([...new Set(states)]));
  expect(states).toContain("cached");
}

function isAlone({ spec }: Task): boolean {
  return spec.stage?.["cache"] === "off";
}

/** A project whose pipelines are submitted, executed, killed, cancelled, repeated and damaged. */
class Chaos {
  readonly #project: QueueProject;
  readonly #random: Random;
  readonly #folder: string;
  readonly #plan: PipelinePlan;
  /** Stands in the environment of every process that comes of this test. */
  readonly #mark: string;
  #state: PipelineState;
  #workers: WorkerProcess[] = [];
  #submitters: AexpProcess[] = [];
  #files: string[] = [];
  #damages: Damage[] = [];
  #hired = 0;
  #edits = 0;
  #strikes = 0;
  /** How many processes were killed that lived until then. */
  kills = 0;

  static async begin(random: Random): Promise<Chaos> {
    const project = await makeQueueProject();
    await project.ports.store.setLane("default", { onLost: "requeue" });
    return new Chaos(project, random);
  }

  private constructor(project: QueueProject, random: Random) {
    this.#project = project;
    this.#random = random;
    this.#folder = tempDir();
    this.#mark = `chaos-${process.pid}-${random.seed}`;
    this.#plan = planPipeline(random, STAGES);
    this.#state = firstState(this.#plan, random);
    mkdirSync(join(this.#folder, "works"));
    writeFileSync(join(this.#folder, "log"), "");
    this.#write("stage", `#!/bin/sh\nexec sh '${PROGRAM}' '${this.#folder}' "$@"\n`);
    chmodSync(join(project.root, "stage"), 0o755);
    this.#edit();
    for (const raw of RAWS) this.#write(raw, `${raw}\n`);
    for (let index = 0; index < WORKERS; index += 1) this.#hire();
  }

  /** Several submit at once what differs little; then something happens after every few programs, until all is done. */
  async playRound(): Promise<void> {
    this.#files = [];
    for (let index = 0; index < 2; index += 1) {
      this.#state = changeState(this.#state, this.#random, RAWS);
      const file = `pipeline-${this.#hired}-${index}.yaml`;
      this.#write(file, toPipelineFile(this.#plan, this.#state));
      this.#files.push(file);
    }
    const [first = "", second = ""] = this.#files;
    const submissions = [[first], [second], [first, "--jobs", "1"], [second]];
    const processes = submissions.map((argv) => this.#aexp(["pipeline", "run", ...argv]));
    const [, , impatient] = processes;
    this.#submitters = impatient === undefined ? [] : [impatient];
    const submitted = Promise.all(processes.filter((one) => one !== impatient).map(endWell));
    let isSubmitted = false;
    void submitted.then(() => (isSubmitted = true));

    let next = this.#lines().length + this.#random.between(1, 4);
    await waitUntil(
      "the end of all stages",
      async () => {
        if (this.#lines().length >= next) {
          await this.#strike();
          next = this.#lines().length + this.#random.between(2, 6);
        }
        return isSubmitted && !(await this.#isUnderWay());
      },
      PATIENCE_MS,
    );
    await submitted;
    for (const one of this.#submitters) one.child.kill("SIGKILL");
    await this.#damageQuietly();
  }

  /**
   * With nobody killed any more, what was lost or stopped is repeated until nothing is left of that; then workers go home.
   *
   * @returns what those said that did not end well
   */
  async heal(): Promise<readonly string[]> {
    await waitUntil(
      "nothing that is lost or stopped",
      async () => {
        const open = await this.#unhealed();
        for (const group of new Set(open.map(({ groupId }) => groupId))) await this.#cli(["pipeline", "retry", group]);
        await waitUntil("the end of what is repeated", async () => !(await this.#isUnderWay()), PATIENCE_MS);
        return open.length === 0;
      },
      PATIENCE_MS,
    );
    const problems: string[] = [];
    for (const worker of this.#workers) {
      // Before that it does not know what TERM asks of it.
      await untilTold(worker, "up");
      worker.child.kill("SIGTERM");
      const { exitCode } = await worker.ended;
      if (exitCode !== 0) problems.push(`${worker.id}: exit ${exitCode}: ${worker.printed.stderr}`);
    }
    return problems;
  }

  /** Submits and executes what was submitted last. */
  async repeat(): Promise<{ readonly tasks: readonly Task[]; readonly begun: readonly string[] }> {
    const before = this.#lines().length;
    const known = new Set((await this.#tasks()).map(({ id }) => id));
    for (const file of this.#files) await this.#cli(["pipeline", "run", file, "--jobs", "2"], [0, 1]);
    const begun = this.#lines()
      .slice(before)
      .filter(({ what }) => what === "begin");
    return { tasks: (await this.#tasks()).filter(({ id }) => !known.has(id)), begun: begun.map(({ id }) => id) };
  }

  /** All that can be known of it in the end. */
  async read(): Promise<StageAudit> {
    const { root, repo, ports } = this.#project;
    const { store } = ports;
    await waitUntil("the end of every process", () => processesWith(this.#mark).length === 0);
    await untilDelivered(root, store);
    return { repo, store, plan: this.#plan, tasks: await this.#tasks(), log: this.#lines(), damages: this.#damages };
  }

  /** Something happens to whatever is under way. */
  async #strike(): Promise<void> {
    this.#strikes += 1;
    if (this.#strikes % 3 !== 0) {
      if (this.#random.chance(0.6)) this.#killWorker();
      else this.#killSupervisor();
      return;
    }
    const act = this.#random.pick([
      async () => void this.#submitters.pop()?.child.kill("SIGKILL"),
      async () => await this.#onAnyPipeline("cancel"),
      async () => await this.#onAnyPipeline("retry"),
      async () => await this.#damageOne(undefined),
      async () => this.#edit(),
    ]);
    await act();
  }

  #hire(): void {
    const id = `worker-${(this.#hired += 1)}`;
    const env = { TEST_CHAOS: this.#mark, ...SHORT_LEASE };
    this.#workers.push(startWorker(this.#project.root, { id, isUntilEmpty: false, env }));
  }

  #killWorker(): void {
    const victim = this.#random.pick(this.#workers);
    if (this.#random.chance(0.3)) this.#killSupervisorsOf(victim);
    this.#replace(victim);
  }

  /** Where there is none, its worker is killed. */
  #killSupervisor(): void {
    const worker = this.#random.pick(this.#workers);
    if (this.#killSupervisorsOf(worker) === 0) this.#replace(worker);
  }

  /** Kills a worker, and starts another one. */
  #replace(victim: WorkerProcess): void {
    if (victim.child.kill("SIGKILL")) this.kills += 1;
    this.#workers = this.#workers.filter((worker) => worker !== victim);
    this.#hire();
  }

  /** @returns how many were killed */
  #killSupervisorsOf(worker: WorkerProcess): number {
    const killed = supervisorsOf(worker.pid).filter(kill).length;
    this.kills += killed;
    return killed;
  }

  async #onAnyPipeline(command: "cancel" | "retry"): Promise<void> {
    const wanted = (await listPipelines(this.#project.ports.store)).filter(({ group }) =>
      command === "cancel" ? group.state === "active" : group.state !== "active" && group.state !== "complete",
    );
    if (wanted.length === 0) return;
    const force = command === "cancel" && this.#random.chance(0.3) ? ["--force"] : [];
    await this.#cli(["pipeline", command, this.#random.pick(wanted).group.id, ...force], [0, 1, 3]);
  }

  /** The code that later submissions have. */
  #edit(): void {
    this.#write("extra", `extra ${(this.#edits += 1) % 3}\n`);
  }

  /** Nobody looks at anything meanwhile, so nobody may take any of it afterwards. */
  async #damageQuietly(): Promise<void> {
    const count = (await this.#tasks()).length;
    for (let index = 0; index < 3; index += 1) await this.#damageOne(count);
  }

  /** Deletes or edits what a run has written. */
  async #damageOne(before: number | undefined): Promise<void> {
    const { repo, ports } = this.#project;
    const complete = (await this.#tasks()).filter(({ state }) => state === "complete");
    if (complete.length === 0) return;
    const { id: holder } = this.#random.pick(complete);
    const [output] = await ports.store.outputs([holder]);
    const path = join(repo.runs.workspaceOf(holder), output?.path ?? "");
    if (output === undefined || !existsSync(path)) return;
    this.#damages.push({ holder, before });
    const isFolder = !path.endsWith(".txt");
    if (this.#random.chance(0.5)) rmSync(path, { recursive: true });
    else appendFileSync(isFolder ? join(path, "more") : path, "damaged\n");
  }

  /** What was lost or stopped, and could succeed. */
  async #unhealed(): Promise<readonly Task[]> {
    const tasks = await this.#tasks();
    const states = new Map(tasks.map(({ id, state }) => [id, state]));
    const isHopeless = ({ spec }: Task): boolean =>
      spec.needs.some(({ run, condition }) => judgeNeed(condition, states.get(run) ?? "failed") === "broken");
    return tasks.filter((task) => (HEALED_STATES.has(task.state) || task.reason?.code === "lost") && !isHopeless(task));
  }

  async #isUnderWay(): Promise<boolean> {
    return (await this.#project.ports.store.counts()).some(({ state }) => !isTerminalState(state));
  }

  async #tasks(): Promise<readonly Task[]> {
    return await this.#project.ports.store.tasks({});
  }

  #lines(): readonly StageLine[] {
    return readStageLog(join(this.#folder, "log"));
  }

  #write(path: string, text: string): void {
    writeFileSync(join(this.#project.root, path), text);
  }

  #aexp(argv: readonly string[]): AexpProcess {
    return startAexp(this.#project.root, argv, { TEST_CHAOS: this.#mark, ...SHORT_LEASE });
  }

  async #cli(argv: readonly string[], exitCodes: readonly number[] = [0]): Promise<void> {
    const { exitCode, stdout, stderr } = await runCli(this.#project.root, argv);
    if (!exitCodes.includes(exitCode)) throw new Error(`aexp ${argv.join(" ")}: ${exitCode}: ${stdout}${stderr}`);
  }
}

/**
 * Kills a process, which may have ended since it was found.
 *
 * @returns whether it had not
 */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch (error) {
    if (systemErrorCode(error) === "ESRCH") return false;
    throw error;
  }
}

async function endWell({ ended, printed }: AexpProcess): Promise<void> {
  const { exitCode } = await ended;
  if (exitCode !== 0) throw new Error(`a submission ended with ${exitCode}: ${printed.stdout}${printed.stderr}`);
}
