import type { OutputStore } from "../output/output-store.ts";
import type { OutputRecord } from "../output/output-record.ts";
import type { OutputState, RunOutput } from "../queue/run-output.ts";
import type { Repo } from "./repo.ts";

/** Whether an output of a run lies where it was written, unchanged by its sizes and times. No content is read. */
export async function checkRunOutput(repo: Repo, outputs: OutputStore, output: RunOutput): Promise<OutputState> {
  // Of an item the queue knows as much as any record, also while its run goes on.
  const record = output.item === "" ? findOutputRecord(repo, outputs, output) : output;
  // Without its record nobody can say that it is the same.
  if (record === undefined) return "changed";
  return await outputs.check(record, repo.runs.workspaceOf(output.holder));
}

/** What the attempt that wrote an output has recorded of it; `undefined` when that is gone, or says something else. */
export function findOutputRecord(
  repo: Repo,
  outputs: Pick<OutputStore, "read">,
  { holder, path, digest }: Pick<RunOutput, "holder" | "path" | "digest">,
): OutputRecord | undefined {
  const attempt = Number(/^outputs\/(\d+)\//.exec(path)?.[1]);
  if (!Number.isSafeInteger(attempt)) return undefined;
  const read = outputs.read(repo.runs.workspaceOf(holder), attempt);
  if (read.state !== "recorded") return undefined;
  return read.record.outputs.find((record) => record.path === path && record.digest === digest);
}
