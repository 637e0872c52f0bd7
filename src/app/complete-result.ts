import { judgeAttempt, toOutputsCause } from "../executor/judge-attempt.ts";
import type { OutputRecord } from "../output/output-record.ts";
import { readStageWork } from "../pipeline/stage-work.ts";
import { messageOf } from "../model/errors.ts";
import type { AttemptResult } from "../queue/queue-store.ts";
import type { NewOutput } from "../queue/run-output.ts";
import type { Task } from "../queue/task.ts";
import { findChangedInput } from "./check-inputs.ts";
import { readInputs } from "./prepare-stage.ts";
import type { Repo } from "./repo.ts";
import type { StagePorts } from "./stage-ports.ts";

/**
 * The result of an attempt with what it wrote, where it is that of a stage and a success. Whoever watched the program
 * has recorded its outputs; what is missing of that, or out of date, is made up for here. A success is none when the outputs are not
 * there, or when something that the program read is not what the stage was resolved with. A loss is a success when only
 * the record of its outputs was left.
 */
export async function completeResult(
  repo: Repo,
  ports: Pick<StagePorts, "outputs" | "hasher">,
  task: Task,
  result: AttemptResult,
): Promise<AttemptResult> {
  if (task.spec.stage === undefined) return result;
  // What a scheduler says of its job counts, whatever its program has left.
  const isLost = task.executor === "local" && result.state === "failed" && result.reason?.code === "lost";
  const success = isLost ? recordedSuccess(repo, ports, task) : result;
  if (success?.state !== "complete") return result;
  const failed = (reason: AttemptResult["reason"]): AttemptResult => ({ ...success, state: "failed", reason });
  try {
    const changed = await findChangedInput(repo, ports, readInputs(task));
    if (changed !== undefined) return failed(changed);
    const { outputs: declarations } = readStageWork(task.spec.stage);
    const end = await ports.outputs.record(repo.runs.workspaceOf(task.id), task.attempt, declarations);
    if (end.state === "recorded") return { ...success, outputs: end.outputs.flatMap(toNewOutputs) };
    const cause = toOutputsCause(end);
    return cause === undefined ? success : failed(judgeAttempt(cause).reason);
  } catch (error) {
    return failed({ code: "output_invalid", message: messageOf(error) });
  }
}

/**
 * The success of an attempt of which nothing else is left than the record of its outputs: that is written after a success
 * alone, by a supervisor that was killed before it could say more. `undefined` when there is none.
 */
export function recordedSuccess(
  repo: Repo,
  { outputs }: Pick<StagePorts, "outputs">,
  { id, attempt, spec }: Task,
): AttemptResult | undefined {
  if (spec.stage === undefined) return undefined;
  const read = outputs.read(repo.runs.workspaceOf(id), attempt);
  return read.state === "recorded" ? { state: "complete", reason: undefined, exitCode: 0 } : undefined;
}

/** An output as the queue keeps it, with the items of a stream. */
export function toNewOutputs({ items = [], ...output }: OutputRecord): readonly NewOutput[] {
  const { name, kind, digest, bytes, files, path, stats } = output;
  return [
    { name, item: "", kind, digest, bytes, files, path, stats },
    ...items.map((item) => ({ name, kind, ...item })),
  ];
}
