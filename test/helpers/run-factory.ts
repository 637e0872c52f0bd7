import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { type ExactObject } from "../../src/model/exact-json.ts";
import { parseExactObject } from "../../src/model/exact-json-reader.ts";
import type { DocumentPatch } from "../../src/run/document.ts";
import { FsRunStore } from "../../src/run/fs/fs-run-store.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { initRepo } from "./git-repo.ts";
import { tempDir } from "./temp-dir.ts";

/** What a run that ended well has in its document. */
export const FINISHED: DocumentPatch = {
  aexp: { experiment_id: "E001", experiment_path: null, hypothesis_id: "H001", sub_hypothesis_id: null },
  status: "complete",
  created_at: "2026-11-21T04:00:00Z",
  started_at: "2026-11-21T04:00:01Z",
  ended_at: "2026-11-21T04:10:00Z",
  wallclock_s: 599.25,
  exit_code: 0,
};

/** The sample project that real signac made, unpacked into a folder of its own. */
export function sampleProject(): string {
  const folder = tempDir();
  const archive = join(import.meta.dirname, "..", "fixtures", "signac", "signac-project.tar.gz");
  execFileSync("tar", ["-xzf", archive, "-C", folder]);
  return join(folder, "signac-project");
}

/** A git repository with an empty run store. */
export async function repoWithStore(): Promise<{ root: string; store: FsRunStore }> {
  const root = initRepo(tempDir());
  const store = new FsRunStore(join(root, ".runs"));
  await store.initialize();
  return { root, store };
}

/** Creates a run from the JSON text of its state point. */
export async function createRun(
  store: FsRunStore,
  statePoint: string | ExactObject,
  document: DocumentPatch = FINISHED,
): Promise<JobId> {
  const exact = typeof statePoint === "string" ? parseExactObject(statePoint) : statePoint;
  const { jobId } = await store.create(exact, document);
  return jobId;
}
