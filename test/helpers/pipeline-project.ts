import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { listPipelines, type PipelineGroup } from "../../src/app/show-pipeline.ts";
import type { Task, TaskState } from "../../src/queue/task.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { type CliResult, runCli } from "./cli.ts";
import { makeQueueProject, type QueueProject } from "./queue-project.ts";
import { tempDir } from "./temp-dir.ts";

/** A project with pipelines whose commands say when they are executed. */
export interface PipelineProject extends QueueProject {
  /** Writes a file of the repository. */
  readonly write: (path: string, text: string) => void;
  /** Executes a pipeline here until nothing of it is left; `pipeline.yaml`, unless `flags` name another file. */
  readonly run: (...flags: readonly string[]) => Promise<RanPipeline>;
  /** Submits a pipeline, and executes nothing. */
  readonly submit: (...flags: readonly string[]) => Promise<PipelineGroup>;
  /** A worker executes what there is, and ends. */
  readonly work: () => Promise<CliResult>;
  /** The pipelines that were submitted, the newest first. */
  readonly groups: () => Promise<readonly PipelineGroup[]>;
  /** What stages were executed since the last call, by the words after `note`, in the order in which they began. */
  readonly executed: () => readonly string[];
  /** The file that `note` writes to, outside of the repository. */
  readonly log: string;
}

/** A pipeline that was executed. */
export interface RanPipeline extends CliResult {
  readonly pipeline: PipelineGroup;
  readonly group: string;
}

/**
 * A project of three stages: `prepare` sorts `raw.txt` with the program `prepare.sh`, `train` adds the parameter `lr`, and
 * `report` counts lines. The program `note` says that a stage is executed.
 */
export async function makePipelineProject(pipeline: string = THREE_STAGES): Promise<PipelineProject> {
  const project = await makeQueueProject();
  const { root, ports } = project;
  const log = join(tempDir(), "executed");
  writeFileSync(log, "");
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write("note", `#!/bin/sh\necho "$@" >> ${log}\n`);
  chmodSync(join(root, "note"), 0o755);
  write("raw.txt", "b\na\nc\n");
  write("prepare.sh", 'sort "$1" > "$2"\n');
  write("pipeline.yaml", pipeline);
  let seen = 0;
  const call = async (flags: readonly string[]): Promise<RanPipeline> => {
    const before = new Set((await listPipelines(ports.store)).map(({ group }) => group.id));
    const file = flags.find((flag) => flag.endsWith(".yaml")) ?? "pipeline.yaml";
    const rest = flags.filter((flag) => flag !== file);
    const result = await runCli(root, ["pipeline", "run", file, ...rest]);
    const made = (await listPipelines(ports.store)).find(({ group }) => !before.has(group.id));
    if (made === undefined) throw new Error(`no pipeline was submitted: ${result.stdout}${result.stderr}`);
    return { ...result, pipeline: made, group: made.group.id };
  };
  return {
    ...project,
    log,
    write,
    run: async (...flags) => await call([...flags, "--jobs", "2"]),
    submit: async (...flags) => (await call(flags)).pipeline,
    work: async () => await runCli(root, ["worker", "start", "--until-empty", "--pools", "*=2"]),
    groups: async () => await listPipelines(ports.store),
    executed: () => {
      const lines = readFileSync(log, "utf8").split("\n").slice(0, -1);
      const fresh = lines.slice(seen);
      seen = lines.length;
      return fresh;
    },
  };
}

export const THREE_STAGES = `
name: demo
defaults: {experiment: E001}
stages:
  prepare:
    command: ./note prepare; sh prepare.sh {inputs.raw} {outputs.data}
    inputs: {raw: {path: raw.txt}}
    outputs: {data: {path: data.txt, kind: dataset}}
  train:
    command: ./note train {lr}; (cat {inputs.data}; echo {lr}) > {outputs.model}
    sp: {lr: 0.1}
    inputs: {data: {stage: prepare}}
    outputs: {model: {path: model.txt}}
  report:
    command: ./note report; wc -l < {inputs.model} | tr -d ' ' > {outputs.table}
    inputs: {model: {stage: train}}
    outputs: {table: {path: table.txt}}
`;

/** The states of the runs of a pipeline by stage, in the order of the elements. */
export function statesOf({ stages }: PipelineGroup): Readonly<Record<string, TaskState | readonly TaskState[]>> {
  return Object.fromEntries(
    stages.map(({ stage, tasks }) => {
      const states = tasks.map(({ state }) => state);
      const [only, another] = states;
      return [stage, only === undefined || another !== undefined ? states : only];
    }),
  );
}

/** The only run of a stage, or that of one of its elements. */
export function taskOf({ tasks }: PipelineGroup, stage: string, element = ""): Task {
  const found = tasks.filter(
    ({ spec }) => spec.stage?.stage === stage && (element === "" || spec.stage["element"] === element),
  );
  const [only, another] = found;
  if (only === undefined || another !== undefined) throw new Error(`${found.length} runs of ${stage} ${element}`);
  return only;
}

/** Where an output of a run lies, which may be the folder of another run. */
export async function pathOfOutput({ repo, ports }: QueueProject, run: JobId, name?: string): Promise<string> {
  const outputs = await ports.store.outputs([run]);
  const output = outputs.find((known) => known.item === "" && (name === undefined || known.name === name));
  if (output === undefined) throw new Error(`run ${run} has no output ${name ?? ""}`);
  return join(repo.runs.workspaceOf(output.holder), output.path);
}

/** What an output of a run says. */
export async function readOutput(project: QueueProject, run: JobId, name?: string): Promise<string> {
  return readFileSync(await pathOfOutput(project, run, name), "utf8");
}
