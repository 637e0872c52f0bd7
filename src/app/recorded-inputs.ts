import { AexpError, messageOf } from "../model/errors.ts";
import { isContentDigest } from "../output/digest.ts";
import { type InputRecords, parseInputRecords, type ResolvedPart } from "../pipeline/resolved-inputs.ts";
import type { Task } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import type { Repo } from "./repo.ts";
import { toAbsolutePath } from "./stage-inputs.ts";
import type { InputHasher } from "./stage-ports.ts";

/** The inputs that the queue has on record for a run; none when it knows the run no more, or it is no stage. */
export function toRecordedInputs(task: Task | undefined): InputRecords {
  return parseInputRecords(task?.inputs) ?? new Map();
}

/**
 * Makes sure that every input of a run is here, and is what it was.
 *
 * @throws {AexpError} `reproduce.input_missing`, `reproduce.input_changed`
 */
export async function checkRecordedInputs(
  repo: Repo,
  hasher: InputHasher,
  jobId: JobId,
  inputs: InputRecords,
): Promise<void> {
  for (const [name, input] of inputs) {
    for (const part of input.kind === "one" ? [input] : input.elements) {
      await checkPart(repo, hasher, { jobId, name }, part);
    }
  }
}

async function checkPart(
  repo: Repo,
  hasher: InputHasher,
  { jobId, name }: { readonly jobId: JobId; readonly name: string },
  { place, digest }: ResolvedPart,
): Promise<void> {
  const path = toAbsolutePath(repo, place);
  const words = `the input ${JSON.stringify(name)} of run ${jobId}, ${JSON.stringify(path)},`;
  const hash = isContentDigest(digest) ? "content" : "stat";
  const hint =
    "holder" in place
      ? `Execute run ${place.holder} again, or bring its outputs back.`
      : "Bring it back as it was then; what it gives now, a new submission of the pipeline tells.";
  let now: string;
  try {
    ({ digest: now } = await hasher.hash(path, { hash }));
  } catch (error) {
    const isGone = error instanceof AexpError && error.code === "output.not_found";
    const problem = isGone ? "is not there any more" : `cannot be read: ${messageOf(error)}`;
    throw new AexpError(`${words} ${problem}`, { code: "reproduce.input_missing", hint, cause: error });
  }
  if (now === digest) return;
  throw new AexpError(`${words} is not what it was: ${now.slice(0, 19)}…, and then ${digest.slice(0, 19)}…`, {
    code: "reproduce.input_changed",
    hint,
  });
}
