import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";
import type { Policy } from "../pipeline/policy.ts";
import type { SeenOutput } from "../queue/policy.ts";
import type { JobId } from "../run/job-id.ts";
import { PolicyFile } from "./policy-file.ts";
import { PolicyFiring, type PolicyPorts, toListener } from "./policy-firing.ts";
import type { Repo } from "./repo.ts";

/** What a policy was asked to make up for. */
export interface PolicyRunOutcome {
  readonly policy: Policy;
  /** The outputs that had no run of it. */
  readonly outputs: readonly SeenOutput[];
  /** The runs that were submitted; none at a dry run. */
  readonly runs: readonly JobId[];
  /** Whether there are outputs for which none could be submitted. */
  readonly isPartial: boolean;
}

/** The policy of a name. @throws {AexpError} `policy.not_found`, `config.invalid` */
async function findPolicy(repo: Repo, name: string): Promise<Policy> {
  const policies = await new PolicyFile(repo).read();
  const found = policies.find((policy) => policy.name === name);
  if (found !== undefined) return found;
  const known = policies.map((policy) => policy.name);
  throw new AexpError(`aexp.yaml has no policy ${JSON.stringify(name)}.${didYouMean(name, known)}`, {
    code: "policy.not_found",
    hint: known.length === 0 ? "docs/pipelines.md shows how to write one." : `It has ${known.join(", ")}.`,
  });
}

/**
 * Submits the runs that a policy would have submitted, had it been there from the beginning.
 *
 * @throws {AexpError} `policy.not_found`, `policy.untrusted`, `config.invalid`, and what the queue throws
 */
export async function runPolicy(
  repo: Repo,
  ports: PolicyPorts,
  name: string,
  {
    dryRun,
    owner,
    caller,
    tell,
  }: {
    readonly dryRun: boolean;
    readonly owner: string;
    /** Who asks for the runs; without one it is who asked for the runs that wrote the outputs. */
    readonly caller: string | undefined;
    readonly tell: (text: string) => void;
  },
): Promise<PolicyRunOutcome> {
  const policy = await findPolicy(repo, name);
  if (!dryRun) await refuseUntrusted(repo, name);
  const { store } = ports;
  const listener = toListener(repo, policy, owner);
  await store.seeOutputs(listener);
  const passedOver = await store.recallOutputs(listener, { dryRun });
  const pending = await store.pendingFires(listener, MOST_LISTED);
  if (dryRun) return { policy, outputs: [...pending, ...passedOver], runs: [], isPartial: false };
  const runs = await new PolicyFiring(repo, ports, { owner, caller, tell, isSource: () => true }).fireAll(name);
  return { policy, outputs: pending, runs, isPartial: (await store.pendingFires(listener, 1)).length > 0 };
}

const MOST_LISTED = 10_000;

async function refuseUntrusted(repo: Repo, name: string): Promise<void> {
  const { trust } = await (await repo.openHooks()).review();
  if (trust === "trusted") return;
  const why =
    trust === "changed"
      ? "aexp.yaml, or a file that it names, changed since you trusted it"
      : "you do not trust it on this machine";
  throw new AexpError(`the policy ${JSON.stringify(name)} submits nothing: ${why}`, {
    code: "policy.untrusted",
    hint: "Look at it and agree with `aexp trust`.",
  });
}
