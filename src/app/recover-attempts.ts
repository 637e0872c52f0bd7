import type { SupervisedAttempt } from "../executor/supervisor.ts";
import type { Claim } from "../queue/queue-store.ts";
import { isTerminalState, type Lease, type Task } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import type { WorkPorts } from "./execute-task.ts";
import { findAttempt } from "./find-attempt.ts";
import type { Repo } from "./repo.ts";
import type { RecoveryOutcome } from "./work-events.ts";
import { lifeOfWorker } from "./worker-life.ts";

/** Who recovers attempts, and how. */
export interface RecoverOptions {
  readonly workerId: string;
  readonly leaseMs: number;
  /** A new lease token at each call. */
  readonly newToken: () => string;
  /** From 0 to 1, to spread the pauses of attempts that are repeated. */
  readonly jitter: () => number;
  /** Whether the worker itself still carries out the attempt with a lease token. What it gave up is like anybody's. */
  readonly isCarried?: (token: string) => boolean;
  /** Takes over a program that still runs under its supervisor. Without it such a program is left to the next worker. */
  readonly onAdopt?: (claim: Claim, attempt: SupervisedAttempt) => void;
  /** Takes attempts of other machines for dead, because the user says so. */
  readonly isForeignDead?: boolean;
}

/** An attempt whose worker died, and what became of it. */
export interface RecoveredAttempt {
  readonly jobId: JobId;
  readonly outcome: RecoveryOutcome;
}

/** Long enough to write down what became of an attempt. */
const SETTLE_LEASE_MS = 5000;
/** Those of a machine that never comes back are among them at every look. */
const MAX_EXPIRED = 1000;

/**
 * Settles the attempts of workers that died: those whose lease expired, and those whose process is provably gone. An
 * attempt that had ended is finished from its record; one that still runs is taken over; any other is lost, and what
 * may be left of its program is killed before that is written. Several processes may do this at once.
 */
export async function recoverAttempts(
  repo: Repo,
  ports: WorkPorts,
  options: RecoverOptions,
): Promise<readonly RecoveredAttempt[]> {
  const recovered: RecoveredAttempt[] = [];
  for (const { task, lease } of await findOrphans(repo, ports, options)) {
    const outcome = await recoverAttempt(repo, ports, task, lease, options);
    if (outcome !== undefined) recovered.push({ jobId: task.id, outcome });
  }
  return recovered;
}

interface Orphan {
  readonly task: Task;
  readonly lease: Lease;
}

async function findOrphans(
  repo: Repo,
  { store, executor }: WorkPorts,
  { workerId, isCarried }: Pick<RecoverOptions, "workerId" | "isCarried">,
): Promise<readonly Orphan[]> {
  const expired = (await store.expired(undefined, MAX_EXPIRED)).filter(
    ({ lease }) => lease?.workerId !== workerId || isCarried?.(lease.token) === false,
  );
  const dead = new Set<string>();
  const { self } = executor;
  for (const worker of await store.workers()) {
    // Where nothing is known, such as of an earlier boot or of another machine, the lease decides.
    if (lifeOfWorker(repo, self, worker) === "dead") dead.add(worker.id);
  }
  const active = dead.size === 0 ? [] : await store.tasks({ states: ["running", "finalizing"] });
  const orphaned = active.filter(({ lease }) => lease !== undefined && dead.has(lease.workerId));
  for (const id of dead) {
    if (!orphaned.some(({ lease }) => lease?.workerId === id)) await store.removeWorker(id);
  }
  const tasks = new Map([...expired, ...orphaned].map((task) => [task.id, task]));
  return [...tasks.values()].flatMap((task) => {
    const { lease } = task;
    return lease === undefined || task.executor !== "local" ? [] : [{ task, lease }];
  });
}

/** Whether an attempt was made on another machine, where its program may well be alive. */
async function isForeign(repo: Repo, { store, executor }: WorkPorts, id: JobId, n: number): Promise<boolean> {
  if (executor.survivors(id, n, undefined).foreignHost !== undefined) return true;
  const attempt = (await store.attempts(id)).find((known) => known.n === n);
  return attempt !== undefined && attempt.machine !== repo.machineLabel;
}

/** @returns `undefined` when another process was faster */
async function recoverAttempt(
  repo: Repo,
  ports: WorkPorts,
  { id, attempt }: Task,
  { token }: Lease,
  options: RecoverOptions,
): Promise<RecoveryOutcome | undefined> {
  const { store } = ports;
  if (options.isForeignDead !== true && (await isForeign(repo, ports, id, attempt))) return "foreign";
  const leaseMs = options.onAdopt === undefined ? SETTLE_LEASE_MS : options.leaseMs;
  const claim = await store.adopt(id, token, { workerId: options.workerId, token: options.newToken(), leaseMs });
  if (claim === undefined) return undefined;
  const found = await findAttempt(repo, ports, claim.task);
  if (found.kind === "alive") {
    options.onAdopt?.(claim, found.program);
    return options.onAdopt === undefined ? "runs_on" : "adopted";
  }
  if (found.kind === "ended") {
    // Nobody asked for its end: its worker gave it back, and died in the middle of that.
    if (found.result.state === "stopped" && claim.task.stop === undefined)
      return (await store.release(id, claim.lease.token)) ? "requeued" : undefined;
    const ended = await store.finish(id, claim.lease.token, found.result, options.jitter());
    return ended === undefined ? undefined : "finished";
  }
  const message = "its worker died, and nobody knows how it would have ended";
  const lost = { state: "failed", reason: { code: "lost", message } } as const;
  const settled = await store.finish(id, claim.lease.token, lost, options.jitter());
  if (settled === undefined) return undefined;
  return isTerminalState(settled.state) ? "lost" : "requeued";
}
