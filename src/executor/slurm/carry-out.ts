import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";

import { AexpError } from "../../model/errors.ts";
import { attemptEnvironment } from "../attempt-environment.ts";
import type { AttemptEnd, AttemptOutput } from "../executor.ts";
import { toShellExitCode } from "../judge-attempt.ts";
import type { AttemptFolder } from "../local/attempt-folder.ts";
import type { Launch } from "../local/launch.ts";
import { LocalAttempt } from "../local/local-attempt.ts";
import { endGroup } from "../local/process-group.ts";
import { identifyProcess, isGroupAlive } from "../local/process-identity.ts";
import { launchThroughGate } from "../local/supervisor/gate.ts";
import { toElementId } from "../scheduler-id.ts";
import { BatchFolder, type BatchRecord, readBatchRecord } from "./batch-folder.ts";
import { ItemRecorder } from "./item-recorder.ts";

/** Nobody watches; the logs are all there is. */
const NO_OUTPUT: AttemptOutput = { stdout: () => undefined, stderr: () => undefined };

/** What a job is told by its surroundings. */
export interface JobPlace {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Says something that ends up in the job's own log. */
  readonly say: (line: string) => void;
}

/**
 * Carries out the attempt in a folder, as a part of the scheduler's job: the command in a process group of its own, with
 * logs, signs of life and the record of its end, as on any machine. When the attempt has begun before, the command is
 * not executed: what is left of it is ended, and the exit code is that of its end.
 *
 * @returns the exit code of the job
 * @throws {AexpError} `cli.usage`
 */
export async function carryOut(path: string, { env, say }: JobPlace): Promise<number> {
  const record = readBatchRecord(join(path, "batch.json"));
  if (record === undefined || basename(path) !== `attempt-${record.attempt}`) {
    throw new AexpError(`${JSON.stringify(path)} is no folder of an attempt for SLURM`, { code: "cli.usage" });
  }
  const workspace = dirname(dirname(path));
  const folder = new BatchFolder(workspace, record.attempt);
  const schedulerJobId = jobOf(env);
  if (folder.begin(schedulerJobId, hostname(), Date.now())) {
    return toShellExitCode(await execute(folder, record, workspace, env));
  }
  if (folder.startedBy() !== schedulerJobId) {
    const other = folder.startedBy();
    const why = other === undefined ? "this attempt was given up" : `another job, ${other}, carries this attempt out`;
    say(`${why}; nothing was executed`);
    return 1;
  }
  return toShellExitCode(await settle(folder, record));
}

/** How the scheduler calls the job that this process belongs to. */
function jobOf(env: JobPlace["env"]): string {
  const { SLURM_JOB_ID = "", SLURM_ARRAY_JOB_ID: array, SLURM_ARRAY_TASK_ID: index } = env;
  return array === undefined || index === undefined ? SLURM_JOB_ID : toElementId(array, Number(index));
}

async function execute(
  folder: BatchFolder,
  record: BatchRecord,
  workspace: string,
  env: JobPlace["env"],
): Promise<AttemptEnd> {
  const { jobId, attempt } = record;
  const own = attemptEnvironment({ jobId, attempt, workspace, workerId: `slurm-${jobOf(env)}` });
  const spec = { ...record, codePatch: undefined, env: { ...env, ...record.env, ...own } };
  await folder.attempt.writeHeartbeat(Date.now());
  let running: LocalAttempt | undefined;
  let isAsked = false;
  const onSignal = (): void => {
    isAsked = true;
    running?.end("SIGTERM", "graceful");
  };
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, onSignal);
  const items = ItemRecorder.start(workspace, attempt, record.stage?.outputs);
  running = new LocalAttempt(spec, folder.attempt, NO_OUTPUT, toLaunch(folder.attempt, record.graceMs, items));
  if (isAsked) running.end("SIGTERM", "graceful");
  // The outputs of a stage are hashed by then, while the node is still ours. The run is not complete before this process
  // has ended.
  const end = await running.ended;
  await items?.finish(end.cause.kind === "exited" && end.exitCode === 0);
  return end;
}

/** The command begins once its process is on record, so that it is found even when we are killed at once. */
function toLaunch(attempt: AttemptFolder, graceMs: number, items: ItemRecorder | undefined): Launch {
  const self = identifyProcess(process.pid, process.pid);
  if (self === undefined) throw new Error("this process cannot find itself");
  const launch = launchThroughGate(attempt, { supervisor: self, worker: self, graceMs });
  return {
    ...launch,
    spawn(spec) {
      const child = launch.spawn(spec);
      child.once("exit", () => items?.stop());
      return child;
    },
    // Other machines are to see it as soon as the job has ended.
    keepEnd: (end) => attempt.writeEnd(end, "each"),
  };
}

/** The attempt began before: its command is not executed again. */
async function settle({ attempt }: BatchFolder, { graceMs }: BatchRecord): Promise<AttemptEnd> {
  const recorded = attempt.readEnd();
  if (recorded !== undefined) return recorded;
  const group = attempt.readProcess();
  if (group !== undefined && isGroupAlive(group)) await endGroup(group, graceMs);
  const problem = "its job was killed or started again, and its command is not executed twice";
  const end: AttemptEnd = {
    cause: { kind: "lost", problem },
    exitCode: null,
    signal: null,
    endedAtMs: Date.now(),
    wallclockS: 0,
    stderrTail: "",
  };
  await attempt.writeEnd(end, "each");
  return end;
}
