import { join } from "node:path";

import type { Repo } from "../app/repo.ts";
import { FsWorkerLogs } from "../queue/fs/fs-worker-logs.ts";
import type { WorkerLogs } from "../queue/worker-logs.ts";

/** What workers in the background have printed, on this machine. */
export function openWorkerLogs(repo: Pick<Repo, "root">): WorkerLogs {
  return new FsWorkerLogs(join(repo.root, ".aexp", "state"));
}
