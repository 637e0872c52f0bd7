import { openWork, type OpenWork } from "../../src/wiring/open-work.ts";
import type { Repo } from "../../src/app/repo.ts";
import type { WorkEvent } from "../../src/app/work-events.ts";
import type { WorkOptions } from "../../src/app/work-options.ts";
import { parsePools } from "../../src/queue/pool.ts";
import { isJobId, type JobId } from "../../src/run/job-id.ts";
import { currentUser } from "../../src/wiring/current-user.ts";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { makeProject } from "./project.ts";
import { runCli } from "./cli.ts";

const PACKAGE_ROOT = join(import.meta.dirname, "..", "..");

/** A project with a queue, and what a worker of this process needs. */
export interface QueueProject {
  readonly root: string;
  readonly repo: Repo;
  readonly warnings: string[];
  readonly ports: OpenWork;
  /** Queues what the flags say, and gives the ids in order. */
  readonly add: (...flags: readonly string[]) => Promise<readonly JobId[]>;
  /** The options of a worker that ends when nothing is left, with what it tells. */
  readonly workerOptions: (patch?: Partial<WorkOptions>) => WorkOptions & { readonly events: WorkEvent[] };
}

let lastWorker = 0;

/** A new project whose runs need no experiment note; its queue and supervisor close when the test ends. */
export async function makeQueueProject(): Promise<QueueProject> {
  const { root, repo, warnings } = await makeProject();
  const workerId = `test-${process.pid}-${(lastWorker += 1)}`;
  const ports = await openWork(repo, { workerId, env: process.env, packageRoot: PACKAGE_ROOT });
  onTestFinished(() => ports[Symbol.asyncDispose]());
  return {
    root,
    repo,
    warnings,
    ports,
    add: async (...flags) => {
      const { stdout, stderr } = await runCli(root, ["queue", "add", "--experiment", "E001", ...flags, "--json"]);
      const added: unknown = JSON.parse(stdout);
      const ids = toIds(added);
      if (ids.length === 0) throw new Error(`nothing was queued: ${stdout}${stderr}`);
      return ids;
    },
    workerOptions: (patch = {}) => {
      const events: WorkEvent[] = [];
      return {
        workerId,
        pools: parsePools("*=2"),
        isUntilEmpty: true,
        drainMs: undefined,
        timing: { leaseMs: 60_000, renewMs: 15_000, fenceMs: 45_000, pollMs: 20, reapMs: 15_000, heartbeatMs: 30_000 },
        minFreeBytes: 0,
        owner: currentUser(),
        env: process.env,
        observe: (event) => events.push(event),
        events,
        ...patch,
      };
    },
  };
}

function toIds(added: unknown): readonly JobId[] {
  if (typeof added !== "object" || added === null || !("runs" in added) || !Array.isArray(added.runs)) return [];
  return added.runs.flatMap((run: unknown) => {
    const id = typeof run === "object" && run !== null && "job_id" in run ? run.job_id : undefined;
    return typeof id === "string" && isJobId(id) ? [id] : [];
  });
}
