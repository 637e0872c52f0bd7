import type { JobId } from "../run/job-id.ts";
import { quoteCommand, quoteForShell } from "./shell-quote.ts";
import type { Task } from "./task.ts";

/** What a script for queued runs can be written for. */
export const SCRIPT_RUNNERS = ["shell", "slurm", "manual"] as const;
/** Who executes what a script holds: aexp run by run, a batch array, or somebody without aexp. */
export type ScriptRunner = (typeof SCRIPT_RUNNERS)[number];

/** What a script needs to know beside its tasks. */
export interface ScriptPlace {
  /** Absolute path of the repository. */
  readonly root: string;
  readonly workspaceOf: (jobId: JobId) => string;
  /** Which runs were chosen, as `aexp queue run` is to choose them again. */
  readonly tag: string | undefined;
  readonly experiment: string | undefined;
  /** SLURM's limit on the time of each run, e.g. `2:00:00`. */
  readonly slurmTime: string | undefined;
}

/** A script that executes tasks, in the order given. Everything in it is quoted. */
export function renderScript(runner: ScriptRunner, tasks: readonly Task[], place: ScriptPlace): string {
  switch (runner) {
    case "shell":
      return renderLines(
        place,
        tasks.map(({ id }) => `aexp queue run-one ${id} || failed=1`),
      );
    case "manual":
      return renderLines(
        place,
        tasks.map((task) => renderCommand(task, place)),
      );
    case "slurm":
      return renderArray(tasks.length, place);
  }
}

function renderLines({ root }: ScriptPlace, lines: readonly string[]): string {
  return ["#!/bin/sh", `cd -- ${quoteForShell(root)} || exit 2`, "failed=0", ...lines, 'exit "$failed"', ""].join("\n");
}

/** Without aexp the program still learns which run it is, and where it may write. */
function renderCommand({ id, spec }: Task, { workspaceOf }: ScriptPlace): string {
  const workspace = workspaceOf(id);
  const words = [
    "env",
    `AEXP_JOB_ID=${id}`,
    `AEXP_JOB_WORKSPACE=${workspace}`,
    `AEXP_METRICS_FILE=${workspace}/.aexp/metrics.jsonl`,
    ...(typeof spec.command === "string" ? ["/bin/sh", "-c", spec.command] : spec.command),
  ];
  return `${quoteCommand(words)} || failed=1`;
}

function renderArray(count: number, place: ScriptPlace): string {
  const { root, tag, experiment, slurmTime } = place;
  const chosen = [
    ...(experiment === undefined ? [] : ["--experiment", experiment]),
    ...(tag === undefined ? [] : ["--tag", tag]),
  ];
  return [
    "#!/bin/sh",
    `#SBATCH --job-name=aexp-${(tag ?? experiment ?? "queue").replaceAll(/[^\w.-]/g, "-")}`,
    `#SBATCH --array=0-${count - 1}`,
    `#SBATCH --chdir="${root.replaceAll(/["\\]/g, String.raw`\$&`)}"`,
    "#SBATCH --output=.aexp/state/slurm-%A_%a.out",
    "#SBATCH --no-requeue",
    ...(slurmTime === undefined ? [] : [`#SBATCH --time=${slurmTime}`]),
    `cd -- ${quoteForShell(root)} || exit 2`,
    `exec aexp queue run --index "$SLURM_ARRAY_TASK_ID" ${quoteCommand(chosen)}`.trimEnd(),
    "",
  ].join("\n");
}

/** Tasks so that each comes after those that it needs, otherwise in their order of submission. */
export function inOrderOfNeeds(tasks: readonly Task[]): readonly Task[] {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const seen = new Set<JobId>();
  const ordered: Task[] = [];
  for (const first of tasks.toSorted((a, b) => a.seq - b.seq)) {
    // A stack of our own, because chains may be long.
    const stack = seen.has(first.id) ? [] : [{ task: first, next: 0 }];
    seen.add(first.id);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const need = top.task.spec.needs[top.next];
      top.next += 1;
      const needed = need === undefined || seen.has(need.run) ? undefined : byId.get(need.run);
      if (needed !== undefined) {
        seen.add(needed.id);
        stack.push({ task: needed, next: 0 });
      } else if (need === undefined) {
        ordered.push(top.task);
        stack.pop();
      }
    }
  }
  return ordered;
}
