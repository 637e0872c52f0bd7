import type { AttemptSpec } from "../executor/executor.ts";
import type { TaskSpec } from "../queue/task.ts";

/** What is executed for a task, and where. */
export function toProgram(
  { root }: { readonly root: string },
  { command, cwd }: Pick<TaskSpec, "command" | "cwd">,
): Pick<AttemptSpec, "argv" | "cwd"> {
  return {
    argv: typeof command === "string" ? ["/bin/sh", "-c", command] : command,
    cwd: cwd === "" || cwd === "." ? root : `${root}/${cwd}`,
  };
}
