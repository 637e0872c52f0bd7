import type { AttemptSpec } from "../executor/executor.ts";
import type { TaskSpec } from "../queue/task.ts";
import type { Repo } from "./repo.ts";

/** What is executed for a task, and where. */
export function toProgram(
  repo: Repo,
  { command, cwd }: Pick<TaskSpec, "command" | "cwd">,
): Pick<AttemptSpec, "argv" | "cwd"> {
  return {
    argv: typeof command === "string" ? ["/bin/sh", "-c", command] : command,
    cwd: cwd === "" || cwd === "." ? repo.root : `${repo.root}/${cwd}`,
  };
}
