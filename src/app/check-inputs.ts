import { messageOf } from "../model/errors.ts";
import { isContentDigest } from "../output/digest.ts";
import type { InputRecords, ResolvedPart } from "../pipeline/resolved-inputs.ts";
import type { TaskReason } from "../queue/task.ts";
import { findOutputRecord } from "./check-run-output.ts";
import type { Repo } from "./repo.ts";
import { toAbsolutePath } from "./stage-inputs.ts";
import type { StagePorts } from "./stage-ports.ts";

/**
 * Looks whether what a run reads is still what it was when the cache was asked: before it begins, so that it reads what
 * its key stands for, and after it has ended, so that what it read was that.
 *
 * @returns why its result cannot stand for its key, for the first input that is something else
 */
export async function findChangedInput(
  repo: Repo,
  ports: Pick<StagePorts, "hasher" | "outputs">,
  inputs: InputRecords,
): Promise<TaskReason | undefined> {
  for (const [name, input] of inputs) {
    const parts = input.kind === "one" ? [input] : input.elements;
    for (const part of parts) {
      const problem = await findProblem(repo, ports, part);
      if (problem === undefined) continue;
      const message = `its input ${JSON.stringify(name)}, ${part.place.path}, ${problem}`;
      return { code: "input_changed", message };
    }
  }
  return undefined;
}

async function findProblem(
  repo: Repo,
  { hasher, outputs }: Pick<StagePorts, "hasher" | "outputs">,
  part: ResolvedPart,
): Promise<string | undefined> {
  const { place, digest } = part;
  if ("holder" in place) {
    const { stats } = part;
    const { item, ...output } = place;
    const record = item === undefined ? findOutputRecord(repo, outputs, { ...output, digest }) : { ...output, stats };
    if (record === undefined) return "has no record any more";
    const state = await outputs.check(record, repo.runs.workspaceOf(place.holder));
    return state === "present" ? undefined : `is ${state} since it was written`;
  }
  const path = toAbsolutePath(repo, place);
  try {
    const { stats } = await hasher.hash(path, { hash: "stat" });
    if (stats === part.stats) return undefined;
    // Somebody may have touched it, and left what it says.
    const now = await hasher.hash(path, { hash: isContentDigest(digest) ? "content" : "stat" });
    return now.digest === digest ? undefined : "is not what it was";
  } catch (error) {
    return `cannot be read any more: ${messageOf(error)}`;
  }
}
