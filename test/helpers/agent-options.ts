import { randomUUID } from "node:crypto";

import type { AgentOptions } from "../../src/app/run-agent.ts";
import type { Repo } from "../../src/app/repo.ts";
import { currentUser } from "../../src/wiring/current-user.ts";
import { openExecutor } from "../../src/wiring/open-executor.ts";

/** How an agent works in tests: it looks often, and until the signal is given. */
export function agentOptions(repo: Repo, signal: AbortSignal): AgentOptions {
  return {
    workerId: "agent",
    owner: currentUser(),
    leaseMs: 60_000,
    heartbeatMs: 30_000,
    newToken: randomUUID,
    jitter: () => 0,
    observe: () => undefined,
    intervalMs: 20,
    self: openExecutor(repo).self,
    signal,
  };
}
