import type { HookReview } from "../hooks/project-hooks.ts";
import type { Policy } from "../pipeline/policy.ts";
import type { PolicyFire } from "../queue/policy.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import { PolicyFile } from "./policy-file.ts";
import { toListener } from "./policy-firing.ts";
import type { Repo } from "./repo.ts";

/** A policy, and what became of it on this machine. */
export interface PolicyState {
  readonly policy: Policy;
  readonly trust: HookReview["trust"];
  /** So many runs it has submitted. */
  readonly fired: number;
  readonly last: PolicyFire | undefined;
  /** Outputs for which it is about to submit runs, or would, were it trusted. */
  readonly pending: number;
}

/** More are not counted. */
const MOST_PENDING = 10_000;

/**
 * The policies of `aexp.yaml`, in its order.
 *
 * @param store `undefined` when nothing was ever queued
 * @throws {AexpError} `config.invalid`
 */
export async function listPolicies(
  repo: Repo,
  store: QueueStore | undefined,
  owner: string,
): Promise<readonly PolicyState[]> {
  const policies = await new PolicyFile(repo).read();
  if (policies.length === 0) return [];
  const { trust } = await (await repo.openHooks()).review();
  const states: PolicyState[] = [];
  for (const policy of policies) {
    const fires = (await store?.policyFires(policy.name, repo.machineLabel)) ?? [];
    const pending = (await store?.pendingFires(toListener(repo, policy, owner), MOST_PENDING)) ?? [];
    states.push({ policy, trust, fired: fires.length, last: fires.at(-1), pending: pending.length });
  }
  return states;
}
