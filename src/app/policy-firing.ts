import { isUnkeyed } from "../code/code-identity.ts";
import { messageOf } from "../model/errors.ts";
import type { Policy } from "../pipeline/policy.ts";
import type { PolicyListener, SeenOutput } from "../queue/policy.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import { isTerminal } from "../run/run-status.ts";
import type { JobId } from "../run/job-id.ts";
import { queueRuns } from "./add-to-queue.ts";
import { planPolicyRun, PlanningTurn, type PolicyRun } from "./plan-policy-run.ts";
import { PolicyFile } from "./policy-file.ts";
import type { Repo } from "./repo.ts";
import { warnOfUntrusted } from "./run-hooks.ts";
import type { StagePorts } from "./stage-ports.ts";

/** So many outputs of a policy are seen to at once. */
const BATCH = 100;
/** Of so many that wait, those that are another process's, or could not be submitted before, keep no other waiting. */
const MOST_PENDING = 10_000;

/** What submits the runs of policies. */
export type PolicyPorts = Pick<StagePorts, "code" | "store">;

/** For whom policies submit runs, and for what. */
export interface FiringOptions {
  /** The operating system's user: policies listen to what this user's runs write, and what they submit is theirs. */
  readonly owner: string;
  /** Who asks for the runs; without one it is who asked for the runs that wrote the outputs. */
  readonly caller?: string | undefined;
  /** Whether it is for this process to fire for outputs of a run. */
  readonly isSource: (run: JobId) => boolean;
  /** Told what keeps a policy from submitting a run; it is tried again the next time. */
  readonly tell: (problem: string) => void;
}

/** A run of a policy that somebody else has submitted meanwhile. */
class Superseded extends Error {}

/**
 * Submits the runs that the policies of `aexp.yaml` want for new outputs of this machine. Several processes may do it at
 * once, and any of them may be killed at any moment: the store keeps what is to be done, and lets one run through.
 */
export class PolicyFiring {
  readonly #repo: Repo;
  readonly #ports: PolicyPorts;
  readonly #options: FiringOptions;
  readonly #file: PolicyFile;
  /** What could not be submitted when it was last tried. */
  readonly #failed = new Set<string>();

  constructor(repo: Repo, ports: PolicyPorts, options: FiringOptions) {
    this.#repo = repo;
    this.#ports = ports;
    this.#options = options;
    this.#file = new PolicyFile(repo);
  }

  /** @returns the runs that were submitted. @throws {AexpError} `config.invalid`, and what the queue throws */
  async fire(): Promise<readonly JobId[]> {
    const policies = await this.#file.read();
    const fired: JobId[] = [];
    const turn = new PlanningTurn(this.#repo, this.#ports);
    let isTrusted: boolean | undefined;
    for (const policy of policies) {
      for (const output of await this.#findPending(policy)) {
        isTrusted ??= await this.#askForTrust();
        // What comes meanwhile is seen all the same, so that nothing is missed when the user agrees.
        if (!isTrusted) break;
        const run = await this.#fireOne(turn, policy, output);
        if (run !== undefined) fired.push(run);
      }
    }
    return fired;
  }

  /**
   * Submits all that one policy wants now. The user trusts it.
   *
   * @returns the runs that were submitted
   * @throws {AexpError} `config.invalid`, and what the queue throws
   */
  async fireAll(name: string): Promise<readonly JobId[]> {
    const fired: JobId[] = [];
    const turn = new PlanningTurn(this.#repo, this.#ports);
    for (const policy of (await this.#file.read()).filter((known) => known.name === name)) {
      let before = "";
      for (;;) {
        const pending = await this.#findPending(policy);
        const now = pending
          .map((output) => keyOf(policy, output))
          .toSorted()
          .join("\n");
        // What is left cannot be submitted now, or is another process's.
        if (now === before) break;
        before = now;
        for (const output of pending) {
          const run = await this.#fireOne(turn, policy, output);
          if (run !== undefined) fired.push(run);
        }
      }
    }
    return fired;
  }

  async #findPending(policy: Policy): Promise<readonly SeenOutput[]> {
    const { store } = this.#ports;
    const listener = toListener(this.#repo, policy, this.#options.owner);
    await store.seeOutputs(listener);
    const pending = await store.pendingFires(listener, MOST_PENDING);
    const own = pending.filter(({ source }) => this.#options.isSource(source));
    const hasFailed = (output: SeenOutput): number => Number(this.#failed.has(keyOf(policy, output)));
    return own.toSorted((a, b) => hasFailed(a) - hasFailed(b)).slice(0, BATCH);
  }

  async #askForTrust(): Promise<boolean> {
    const review = await (await this.#repo.openHooks()).review();
    if (review.trust === "trusted") return true;
    warnOfUntrusted(this.#repo, "policies", review);
    return false;
  }

  async #fireOne(turn: PlanningTurn, policy: Policy, output: SeenOutput): Promise<JobId | undefined> {
    try {
      const run = await submitPolicyRun(this.#repo, this.#ports, {
        turn,
        policy,
        output,
        caller: this.#options.caller,
      });
      this.#failed.delete(keyOf(policy, output));
      return run;
    } catch (error) {
      this.#failed.add(keyOf(policy, output));
      this.#options.tell(`the policy ${policy.name} could not submit a run: ${messageOf(error)}`);
      return undefined;
    }
  }
}

function keyOf({ name }: Policy, { source, output, item, digest }: SeenOutput): string {
  return JSON.stringify([name, source, output, item, digest]);
}

/** What a policy listens to on this machine. */
export function toListener(
  { machineLabel: machine }: Repo,
  { name, listens: { kind, pipeline, stage, experiment, everyN } }: Policy,
  owner: string,
): PolicyListener {
  return { policy: name, machine, owner, kind, pipeline, stage, experiment, everyN };
}

/**
 * Submits the run of a policy for an output.
 *
 * @returns the run; `undefined` when it was somebody else's, or had been executed before the queue was lost
 * @throws {AexpError} what {@link planPolicyRun}, keeping the code and queueing the run throw; then nothing was queued
 */
async function submitPolicyRun(
  repo: Repo,
  ports: PolicyPorts,
  {
    turn,
    policy,
    output,
    caller,
  }: {
    readonly turn: PlanningTurn;
    readonly policy: Policy;
    readonly output: SeenOutput;
    readonly caller: string | undefined;
  },
): Promise<JobId | undefined> {
  const { store } = ports;
  const task = await store.task(output.source);
  if (task === undefined) return undefined;
  const planned = await planPolicyRun(repo, turn, policy, { output, task, caller });
  const { jobId } = planned.run;
  if ((await store.task(jobId)) !== undefined || isOver(repo, jobId)) {
    await store.fire(output, jobId, planned.group, []);
    return undefined;
  }
  const { code } = planned.work;
  if (!isUnkeyed(code)) await ports.code.keepTree(code.tree);
  try {
    await queueRuns(repo, throughPolicy(store, output, planned), planned.group, [
      {
        run: planned.run,
        task: planned.task,
        verdict: { kind: "queue", before: undefined, lastAttempt: 0 },
        override: undefined,
        position: output.position,
      },
    ]);
  } catch (error) {
    if (error instanceof Superseded) return undefined;
    throw error;
  }
  // Whoever cleaned up meanwhile did not see that anything needs it.
  if (!isUnkeyed(code)) await ports.code.keepTree(code.tree);
  return jobId;
}

/** A run that the queue does not know, and that is over, was executed before the queue's database was lost. */
function isOver(repo: Repo, jobId: JobId): boolean {
  const status = repo.runs.has(jobId) ? repo.runs.read(jobId).document.facts.status : undefined;
  return status !== undefined && isTerminal(status);
}

/** The store, in which a run is submitted together with the note that it is. */
function throughPolicy(
  store: QueueStore,
  output: SeenOutput,
  { run, group }: PolicyRun,
): Pick<QueueStore, "submit" | "tasks"> {
  return {
    tasks: async (query) => await store.tasks(query),
    submit: async (_, tasks) => {
      if (!(await store.fire(output, run.jobId, group, tasks))) throw new Superseded();
      return [];
    },
  };
}
