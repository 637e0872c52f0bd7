import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { buildDataset } from "./dataset.ts";

/** A new repository with one commit and a `pipeline.yaml`. @returns its folder */
export function newPipelineRepo(root: string, pipeline: string): string {
  buildDataset(root, { runs: 0, entries: 0, findings: 1, citations: 0 });
  writeFileSync(join(root, "pipeline.yaml"), pipeline);
  const identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"];
  execFileSync("git", ["init", "--quiet"], { cwd: root });
  execFileSync("git", [...identity, "commit", "--quiet", "--allow-empty", "--message", "Start"], { cwd: root });
  return root;
}
