import type { TextFiles } from "../install/text-files.ts";
import { AexpError } from "../model/errors.ts";
import { inOrderOfNeeds, renderScript, type ScriptRunner } from "../queue/batch-script.ts";
import { PENDING_STATES } from "../queue/task.ts";
import type { Repo } from "./repo.ts";
import type { QueueView } from "./submission.ts";

/** Which runs a script holds, and for whom. */
export interface MaterializeOptions {
  readonly runner: ScriptRunner;
  /** Path of the script. */
  readonly output: string;
  readonly tag: string | undefined;
  readonly experiment: string | undefined;
  readonly slurmTime: string | undefined;
  /** Replaces a file that is there. */
  readonly isForced: boolean;
}

/** What was written. */
export interface MaterializeOutcome {
  readonly path: string;
  readonly runs: number;
  /** How many of them wait for other runs. */
  readonly waiting: number;
}

/**
 * Writes pending runs as a script for people who execute or submit by hand. The queue stays as it is.
 *
 * @throws {AexpError} `cli.usage` when no run is pending, when the file is there, or for a time that SLURM would refuse
 */
export async function materializeQueue(
  repo: Repo,
  queue: Pick<QueueView, "tasks">,
  files: TextFiles,
  options: MaterializeOptions,
): Promise<MaterializeOutcome> {
  const { runner, output, tag, experiment, slurmTime, isForced } = options;
  checkSlurmTime(slurmTime);
  if (!isForced && files.kind(output) !== "nothing") {
    throw new AexpError(`${JSON.stringify(output)} is there already. Nothing was written`, {
      code: "cli.usage",
      hint: "Name another file, or add --force.",
    });
  }
  const tasks = await queue.tasks({
    states: PENDING_STATES,
    ...(tag === undefined ? {} : { tag }),
    ...(experiment === undefined ? {} : { experimentId: experiment }),
  });
  if (tasks.length === 0) {
    throw new AexpError("no run is pending, so there is nothing to write", {
      code: "cli.usage",
      hint: "`aexp queue list` shows what is queued.",
    });
  }
  const ordered = inOrderOfNeeds(tasks);
  const workspaceOf = repo.runs.workspaceOf.bind(repo.runs);
  const text = renderScript(runner, ordered, { root: repo.root, workspaceOf, tag, experiment, slurmTime });
  await files.write(output, text, 0o755);
  return { path: output, runs: ordered.length, waiting: ordered.filter(({ state }) => state === "blocked").length };
}

/** The text becomes a line of the script, so it may hold nothing else. */
function checkSlurmTime(time: string | undefined): void {
  if (time === undefined || /^(?:\d+-)?\d+(?::\d{1,2}){0,2}$/.test(time)) return;
  throw new AexpError(`${JSON.stringify(time)} is no time limit of SLURM`, {
    code: "cli.usage",
    hint: "Write it like 90 (minutes), 2:00:00 or 1-12:00:00.",
  });
}
