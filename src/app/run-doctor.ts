import { join } from "node:path";

import {
  type Check,
  checkClock,
  checkFileSystem,
  checkFolder,
  checkGit,
  checkIgnored,
  checkMarker,
  checkMergeDriver,
  checkTrusted,
} from "../doctor/checks.ts";
import type { Machine } from "../doctor/machine.ts";
import type { HookReview } from "../hooks/project-hooks.ts";
import { checkServer } from "../doctor/postgres-checks.ts";
import { checkQueue } from "../doctor/queue-check.ts";
import { messageOf } from "../model/errors.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { ServerFacts } from "../queue/server-facts.ts";
import { PolicyFile } from "./policy-file.ts";
import type { Repo } from "./repo.ts";

/** Any file of the ledger will do to ask git whether the folder's files are ignored. */
const SAMPLE_ENTRY = ".aexp/ledger/00000000000000000000000000000000.json";

/**
 * Examines whether this clone on this machine is fit to run, record and share. A check that cannot be made is a bad
 * check that says why; the others go on.
 */
export async function runDoctor(repo: Repo, machine: Machine, ports: DoctorPorts): Promise<readonly Check[]> {
  const store = machine.probeFolder(repo.runs.path);
  const gitVersion = await repo.git.version();
  const checks: Check[] = [
    { name: "node", state: "ok", message: machine.nodeVersion },
    checkGit(gitVersion),
    checkMarker(repo.marker !== undefined, repo.machineLabel),
    attempt("run store", () => {
      if (store.kind !== "missing" && !repo.runs.exists()) {
        return {
          name: "run store",
          state: "bad",
          message: "the folder is not a run store",
          hint: "Run `aexp install`.",
        };
      }
      return checkFolder("run store", store, true);
    }),
    attempt("ledger", () => {
      repo.ledger.listJobIds(); // refuses a folder that leads elsewhere
      return checkFolder("ledger", machine.probeFolder(repo.ledger.path), false);
    }),
    checkFolder("state folder", machine.probeFolder(join(repo.root, ".aexp")), true),
    checkFileSystem(store),
    checkClock(store),
    ...(await checkShared(ports)),
  ];
  checks.push(...(await checkTrust(repo)));
  if (gitVersion !== undefined) checks.push(...(await checkRepository(repo, machine)));
  return checks;
}

async function checkTrust(repo: Repo): Promise<readonly Check[]> {
  try {
    const { hooks, policies, trust } = await (await repo.openHooks()).review();
    const checks = [checkTrusted("hooks", hooks.length, trust)];
    return policies.length === 0 ? checks : [...checks, await checkPolicies(repo, policies.length, trust)];
  } catch (error) {
    return [cannotCheck("hooks", error)];
  }
}

async function checkPolicies(repo: Repo, count: number, trust: HookReview["trust"]): Promise<Check> {
  try {
    await new PolicyFile(repo).read();
    return checkTrusted("policies", count, trust);
  } catch (error) {
    return cannotCheck("policies", error);
  }
}

/** What the check of the queue asks. */
export type DoctorQueue = Pick<QueueStore, "lanes" | "counts" | "outboxCounts"> & AsyncDisposable;

/** How the doctor looks at the queue. */
export interface DoctorPorts {
  /** Looks at the server of the queue; `undefined` when the queue is of this machine alone. */
  readonly inspectServer: () => Promise<ServerFacts | undefined>;
  /** The queue, unless nothing was ever queued. */
  readonly openQueue: () => Promise<DoctorQueue | undefined>;
}

/** A queue behind a server that does not answer, or that this program cannot use, is not asked once more. */
async function checkShared({ inspectServer, openQueue }: DoctorPorts): Promise<readonly Check[]> {
  let server: readonly Check[];
  try {
    const facts = await inspectServer();
    server = facts === undefined ? [] : checkServer(facts);
  } catch (error) {
    return [cannotCheck("postgres", error)];
  }
  if (server.some(({ state }) => state === "bad")) return server;
  return [...server, ...(await checkQueueOf(openQueue))];
}

/** Nothing was ever queued where there is no queue, and nothing is wrong with that. */
async function checkQueueOf(openQueue: () => Promise<DoctorQueue | undefined>): Promise<readonly Check[]> {
  try {
    await using queue = await openQueue();
    if (queue === undefined) return [{ name: "queue", state: "ok", message: "nothing was ever queued here" }];
    const facts = { lanes: await queue.lanes(), counts: await queue.counts(), outbox: await queue.outboxCounts() };
    return checkQueue(facts);
  } catch (error) {
    return [cannotCheck("queue", error)];
  }
}

async function checkRepository(repo: Repo, machine: Machine): Promise<readonly Check[]> {
  try {
    const [isLedgerIgnored, isMarkerIgnored, driver] = await Promise.all([
      repo.git.isIgnored(SAMPLE_ENTRY),
      repo.git.isIgnored(".aexp/installed.json"),
      repo.git.configValue("merge.aexp-ledger.driver"),
    ]);
    return [
      checkIgnored({ isLedgerIgnored, isMarkerIgnored }),
      checkMergeDriver({ isConfigured: driver !== undefined, program: machine.findProgram("aexp") }),
    ];
  } catch (error) {
    return [cannotCheck("git repository", error)];
  }
}

function attempt(name: string, check: () => Check): Check {
  try {
    return check();
  } catch (error) {
    return cannotCheck(name, error);
  }
}

function cannotCheck(name: string, error: unknown): Check {
  const hint = error instanceof Error && "hint" in error && typeof error.hint === "string" ? error.hint : undefined;
  return { name, state: "bad", message: messageOf(error), ...(hint === undefined ? {} : { hint }) };
}
