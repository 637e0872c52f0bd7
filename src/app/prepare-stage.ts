import { join } from "node:path";

import { AexpError } from "../model/errors.ts";
import { outputFolder } from "../output/declaration.ts";
import { type InputRecord, type InputRecords, parseInputRecords } from "../pipeline/resolved-inputs.ts";
import { readStageWork } from "../pipeline/stage-work.ts";
import { type ResolvedInput, toStageValues } from "../pipeline/stage-values.ts";
import { fillTemplate, parseTemplate } from "../queue/command-template.ts";
import type { AttemptResult } from "../queue/queue-store.ts";
import type { Task } from "../queue/task.ts";
import type { AttemptSpec } from "../executor/executor.ts";
import { findChangedInput } from "./check-inputs.ts";
import type { Repo } from "./repo.ts";
import { toAbsolutePath } from "./stage-inputs.ts";
import type { StagePorts } from "./stage-ports.ts";
import { toProgram } from "./to-program.ts";

/** What is executed for a stage, where, and what it will have written. */
export type StageProgram = Required<Pick<AttemptSpec, "argv" | "cwd" | "stage">> & {
  readonly env: Readonly<Record<string, string>>;
};

/**
 * Makes everything ready for an attempt of a stage: the paths of its inputs and outputs in its command. Nothing of the
 * attempt's own is written yet.
 *
 * @param root - where the code is that it executes
 * @returns its end, when something that it reads is not any more what it was resolved with
 * @throws {AexpError} what filling in a command throws
 */
export async function prepareStage(
  repo: Repo,
  ports: Pick<StagePorts, "hasher" | "outputs">,
  task: Task,
  root: string,
): Promise<StageProgram | AttemptResult> {
  if (task.spec.stage === undefined) throw new Error(`run ${task.id} is no stage`);
  const work = readStageWork(task.spec.stage);
  const inputs = readInputs(task);
  const changed = await findChangedInput(repo, ports, inputs);
  if (changed !== undefined) return { state: "failed", reason: changed };
  const workspace = repo.runs.workspaceOf(task.id);
  const { statePoint } = repo.runs.read(task.id);
  const folder = join(workspace, outputFolder(task.attempt));
  const lists = toLists(repo, task, inputs);
  const values = toStageValues({
    jobId: task.id,
    statePoint,
    workspace,
    repo: repo.root,
    inputs: new Map([...inputs].map(([name, input]) => [name, toResolved(repo, input, lists.get(name)?.path)])),
    outputs: new Map(work.outputs.map(({ name, path }) => [name, join(folder, path)])),
  });
  const command = fillTemplate(parseTemplate(work.command), values);
  return {
    ...toProgram({ root }, { ...task.spec, command }),
    env: Object.fromEntries(work.env),
    stage: { outputs: work.outputs, files: [...lists.values()].map(({ name, text }) => ({ name, text })) },
  };
}

/** The inputs with which a stage was resolved. @throws {AexpError} `queue.spec_invalid` */
export function readInputs(task: Task): InputRecords {
  const inputs = parseInputRecords(task.inputs);
  if (inputs !== undefined) return inputs;
  throw new AexpError(`the inputs of run ${task.id} cannot be read`, {
    code: "queue.spec_invalid",
    hint: `Look for them again with \`aexp queue retry ${task.id}\`.`,
  });
}

/** The lists of the inputs that have several parts, by input. */
function toLists(
  repo: Repo,
  task: Task,
  inputs: InputRecords,
): ReadonlyMap<string, { readonly name: string; readonly text: string; readonly path: string }> {
  return new Map(
    [...inputs].flatMap(([name, input]) => {
      if (input.kind !== "list") return [];
      const file = `input-${name}.json`;
      const path = repo.attempts.pathOf(task.id, task.attempt, file);
      return [[name, { name: file, text: toListText(repo, input), path }]];
    }),
  );
}

function toListText(repo: Repo, { elements }: Extract<InputRecord, { kind: "list" }>): string {
  const items = elements.map(
    ({ bindings, place, digest }) =>
      `  {"element": ${bindings}, "path": ${JSON.stringify(toAbsolutePath(repo, place))}, "digest": ${JSON.stringify(digest)}}`,
  );
  return items.length === 0 ? "[]\n" : `[\n${items.join(",\n")}\n]\n`;
}

function toResolved(repo: Repo, input: InputRecord, listFile: string | undefined): ResolvedInput {
  if (input.kind === "one") return { kind: "one", path: toAbsolutePath(repo, input.place), digest: input.digest };
  return { kind: "list", listFile: listFile ?? "", digest: undefined };
}
