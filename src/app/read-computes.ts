import { type ComputeRequest, mergeComputeRequests, parseComputeRequest } from "../queue/compute-request.ts";
import { AexpError } from "../model/errors.ts";
import { isExactObject, toPlain } from "../model/exact-json.ts";
import { fieldOf } from "../kb/note.ts";
import type { ExecutorKind } from "../queue/task.ts";
import { findNote, requireText } from "./find-note.ts";
import type { Repo } from "./repo.ts";
import type { SubmissionEntry } from "./submission.ts";

/**
 * What a scheduler is to reserve for the runs of each entry that it executes: what the project says, above it what the
 * experiment's note says, and above that what the entry says. Other entries have nothing to do with it.
 *
 * @throws {AexpError} `compute.invalid`, `config.invalid`
 */
export async function readComputes(
  repo: Repo,
  entries: readonly SubmissionEntry[],
  executors: ReadonlyMap<SubmissionEntry, ExecutorKind>,
): Promise<ReadonlyMap<SubmissionEntry, ComputeRequest>> {
  const computes = new Map<SubmissionEntry, ComputeRequest>();
  const ofExperiments = new Map<string, ComputeRequest>();
  for (const entry of entries) {
    if (executors.get(entry) !== "slurm") {
      refuseUseless(entry);
      continue;
    }
    const { experimentId } = entry.run;
    const ofExperiment = ofExperiments.get(experimentId) ?? (await readOfExperiment(repo, experimentId));
    ofExperiments.set(experimentId, ofExperiment);
    const { slurm } = await repo.readConfig();
    computes.set(entry, mergeComputeRequests([slurm, ofExperiment, entry.compute ?? {}]));
  }
  return computes;
}

/** A plan may be for several places; who gives a flag expects that it does something. */
function refuseUseless({ place, lane, compute = {} }: SubmissionEntry): void {
  const [key] = Object.keys(compute);
  if (place !== undefined || key === undefined) return;
  throw new AexpError(`--${key} is for SLURM, which does not serve the lane ${lane}. Nothing was queued`, {
    code: "cli.usage",
    hint: `Use \`aexp slurm submit\`, or hand the lane over with \`aexp lane set ${lane} --executor slurm\`.`,
  });
}

async function readOfExperiment(repo: Repo, experimentId: string): Promise<ComputeRequest> {
  try {
    const note = await findNote(repo, experimentId, ["experiment"]);
    const value = fieldOf(requireText(note).note, "slurm");
    if (value === undefined || value === null) return {};
    return parseComputeRequest(isExactObject(value) ? toPlain(value) : value, `${note.path}: slurm`);
  } catch (error) {
    // Runs may belong to an experiment that has no note here.
    if (error instanceof AexpError && error.code === "note.not_found") return {};
    throw error;
  }
}
