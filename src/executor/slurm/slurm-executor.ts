import { join } from "node:path";

import { writeFileAtomically } from "../../platform/atomic-write.ts";
import { type ComputeRequest, toSbatchOptions } from "../../queue/compute-request.ts";
import type { JobId } from "../../run/job-id.ts";
import type {
  AttemptName,
  BatchElement,
  BatchExecutor,
  BatchSpec,
  BatchTraces,
  KnownJob,
  NodeProbe,
  Poll,
  SchedulerFacts,
  SubmitOutcome,
} from "../batch-executor.ts";
import { renderArrayScript, renderSbatchScript, toJobName } from "../sbatch-script.ts";
import { indexOf, MAX_ARRAY } from "../scheduler-id.ts";
import { ArrayFolder, listArrays } from "./array-folder.ts";
import { BatchFolder } from "./batch-folder.ts";
import { inspectCluster, probeFromNode } from "./inspect-cluster.ts";
import { type JobIdentity, JobQuestions } from "./job-questions.ts";
import { complaintOf, forSubmission, runSlurm } from "./run-slurm.ts";

/** What the executor needs to know of its surroundings. */
export interface SlurmOptions {
  readonly workspaceOf: (jobId: JobId) => string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Program and arguments that carry out an attempt; its folder comes behind them. */
  readonly carrier: readonly [program: string, ...args: string[]];
  /** Where it is kept which jobs were submitted together; nodes must see it. */
  readonly arraysFolder: string;
}

/** So many jobs are cancelled at once, so that no line becomes too long. */
const CHUNK = 200;
/** Shorter than a lease, so that no submission is under way any more when somebody else takes over. */
const SUBMIT_MS = 40_000;
/** What `sbatch` says when it may work later, or may even have worked. Limits on numbers pass as jobs end. */
const PASSING =
  /unable to contact|timed out|did not answer|connection|zero bytes|temporar|try again|transport|communication|submit ?limit|SubmitJobs|MaxJobCount|unexpected message|protocol authentication|munge|backup|resource temporarily/i;

/** Talks to SLURM by its commands, as anybody on a login node can. */
export class SlurmExecutor implements BatchExecutor {
  readonly #options: SlurmOptions;
  readonly #questions: JobQuestions;
  /** The names of jobs that were submitted together, by their numbers. */
  readonly #arrays = new Map<string, { readonly jobId: JobId; readonly names: readonly string[] }>();
  #maxArraySize: number | undefined;

  constructor(options: SlurmOptions) {
    this.#options = options;
    this.#questions = new JobQuestions(options.env);
  }

  async prepare(spec: BatchSpec): Promise<boolean> {
    const folder = this.#folderOf(spec);
    if (folder.isPrepared()) return false;
    const { env } = this.#options;
    folder.attempt.prepare({ ...spec, env: { ...env, ...spec.env } }, Date.now());
    const script = renderSbatchScript({ ...spec, folder: folder.path, carrier: this.#options.carrier });
    await writeFileAtomically(folder.scriptPath, script, { mode: 0o700 });
    // The last one, because it says that there may be a job from now on.
    return folder.writeRecord(spec, toSbatchOptions(spec.compute));
  }

  async submit(spec: BatchSpec): Promise<SubmitOutcome> {
    const { path, wordsPath, scriptPath } = this.#folderOf(spec);
    const name = toJobName(spec.jobId, spec.attempt);
    const own = ownOptions({ name, folder: path, output: escapePattern(wordsPath) });
    return await this.#sbatch([...toSbatchOptions(spec.compute), ...own, scriptPath]);
  }

  async maxArraySize(): Promise<number> {
    this.#maxArraySize ??= readMaxArraySize(await this.#questions.ask("scontrol", ["show", "config"]));
    return this.#maxArraySize;
  }

  async submitArray(array: string, elements: readonly BatchElement[]): Promise<SubmitOutcome> {
    const [first] = elements;
    if (first === undefined) return { kind: "refused", problem: "there is nothing to submit" };
    const folder = new ArrayFolder(this.#options.arraysFolder, array);
    folder.make();
    for (const { spec, index } of elements) {
      const attempt = this.#folderOf(spec);
      await attempt.enlist({ array, index });
      folder.link(index, attempt.path);
    }
    await writeFileAtomically(folder.scriptPath, renderArrayScript(folder.path), { mode: 0o700 });
    const output = join(escapePattern(folder.path), "%a", "slurm.log");
    return await this.#sbatch([
      ...toSbatchOptions(first.spec.compute),
      ...ownOptions({ name: array, folder: folder.path, output }),
      `--array=${elements.map(({ index }) => index).join(",")}`,
      folder.scriptPath,
    ]);
  }

  async forgetArrays(readActive: () => Promise<readonly AttemptName[]>): Promise<void> {
    const arrays = listArrays(this.#options.arraysFolder);
    if (arrays.length === 0) return;
    // An array that is there now has its attempts under way already, or not any more.
    const active = new Set((await readActive()).map((attempt) => this.#folderOf(attempt).path));
    for (const array of arrays) if (!array.targets().some((path) => active.has(path))) array.remove();
  }

  async find(attempts: readonly AttemptName[], sinceMs: number): Promise<readonly (readonly string[])[]> {
    const since = new Date(sinceMs).toISOString().slice(0, 19);
    return await this.#questions.find(
      attempts.map((attempt) => this.#identitiesOf(attempt)),
      since,
    );
  }

  async poll(jobs: readonly KnownJob[]): Promise<Poll> {
    return await this.#questions.poll(jobs, (job) => this.#namesOf(job));
  }

  async cancel(schedulerJobIds: readonly string[]): Promise<void> {
    for (let at = 0; at < schedulerJobIds.length; at += CHUNK) {
      await this.#questions.ask("scancel", ["--quiet", ...schedulerJobIds.slice(at, at + CHUNK)]);
    }
  }

  async whyDown(): Promise<string | undefined> {
    return await this.#questions.whyDown();
  }

  traces(jobId: JobId, attempt: number): BatchTraces {
    const folder = this.#folderOf({ jobId, attempt });
    return { startedBy: folder.startedBy(), end: folder.attempt.readEnd(), words: folder.words() };
  }

  giveUp(jobId: JobId, attempt: number): boolean {
    return this.#folderOf({ jobId, attempt }).giveUp(Date.now());
  }

  async inspect(): Promise<SchedulerFacts> {
    return await inspectCluster((program, args) => this.#questions.run(program, args));
  }

  async probeNode(folder: string, compute: ComputeRequest, waitMs: number): Promise<NodeProbe> {
    const env = forSubmission(this.#options.env);
    const [program] = this.#options.carrier;
    return await probeFromNode({ folder, program, options: toSbatchOptions(compute), env, waitMs });
  }

  #folderOf({ jobId, attempt }: AttemptName): BatchFolder {
    return new BatchFolder(this.#options.workspaceOf(jobId), attempt);
  }

  /** As what the scheduler may know the job of an attempt. */
  #identitiesOf({ jobId, attempt }: AttemptName): readonly JobIdentity[] {
    const folder = this.#folderOf({ jobId, attempt });
    const alone = { name: toJobName(jobId, attempt), folder: folder.path, index: undefined };
    const together = folder.elements().map(({ array, index }) => {
      return { name: array, folder: new ArrayFolder(this.#options.arraysFolder, array).path, index };
    });
    return [alone, ...together];
  }

  /** The names that a job may have which is known by its number. */
  #namesOf(job: KnownJob): readonly string[] {
    const index = indexOf(job.schedulerJobId);
    if (index === undefined) return [toJobName(job.jobId, job.attempt)];
    const known = this.#arrays.get(job.schedulerJobId);
    if (known?.jobId === job.jobId) return known.names;
    const elements = this.#folderOf(job).elements();
    const names = elements.flatMap((element) => (element.index === index ? [element.array] : []));
    // It does not change once there is a number, and many jobs are asked for often.
    if (names.length > 0) this.#arrays.set(job.schedulerJobId, { jobId: job.jobId, names });
    return names;
  }

  async #sbatch(args: readonly string[]): Promise<SubmitOutcome> {
    const env = forSubmission(this.#options.env);
    const output = await runSlurm("sbatch", args, { env, timeoutMs: SUBMIT_MS });
    const schedulerJobId = /^(\d+)(?:;\S*)?$/m.exec(output.stdout)?.[1];
    if (output.exitCode === 0 && schedulerJobId !== undefined) return { kind: "submitted", schedulerJobId };
    const problem = complaintOf(output);
    const mayPass = output.exitCode === 124 || output.exitCode === 0 || PASSING.test(problem);
    return { kind: mayPass ? "unclear" : "refused", problem };
  }
}

/** What is ours to decide comes last, and on the command line it outranks the user's environment. */
function ownOptions({
  name,
  folder,
  output,
}: Readonly<Record<"name" | "folder" | "output", string>>): readonly string[] {
  return [
    "--parsable",
    "--no-requeue",
    `--job-name=${name}`,
    `--chdir=${folder}`,
    `--output=${output}`,
    "--open-mode=append",
  ];
}

/** Names of output are patterns, in which a percent sign stands for something else. */
function escapePattern(path: string): string {
  return path.replaceAll("%", "%%");
}

/** Without accounting, the elements of an array cannot be told from each other for long. */
function readMaxArraySize(config: string): number {
  const value = (key: string): string => new RegExp(`^${key}\\s*= (.*)$`, "m").exec(config)?.[1]?.trim() ?? "";
  const hasAccounting = value("AccountingStorageType").endsWith("/slurmdbd");
  return hasAccounting ? Math.min(Number(value("MaxArraySize")) || 1, MAX_ARRAY) : 1;
}
