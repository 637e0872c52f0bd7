import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";

import { toInstant } from "../../model/clock.ts";
import { isJsonObject } from "../../model/json.ts";
import { writeFileAtomically } from "../../platform/atomic-write.ts";
import { createOnce } from "../../platform/create-once.ts";
import { readTextFile } from "../../platform/read-file.ts";
import type { AttemptSpec } from "../executor.ts";
import { isJobId } from "../../run/job-id.ts";
import type { BatchSpec } from "../batch-executor.ts";
import { AttemptFolder } from "../local/attempt-folder.ts";
import { isStageAttempt } from "../stage-attempt.ts";

const MAX_RECORD_BYTES = 16 * 1024 * 1024;
const MAX_WORDS_BYTES = 2048;

/** What the job of an attempt reads: everything that it needs to carry the attempt out. */
export type BatchRecord = Omit<AttemptSpec, "codePatch" | "env"> & { readonly env: Readonly<Record<string, string>> };

/** Which of the jobs that are submitted together is that of an attempt. */
export interface ArrayElement {
  readonly array: string;
  readonly index: number;
}

/** What is in an attempt's folder because a scheduler carries it out. */
export class BatchFolder {
  readonly attempt: AttemptFolder;

  constructor(workspace: string, attempt: number) {
    this.attempt = new AttemptFolder(workspace, attempt);
  }

  get path(): string {
    return this.attempt.path;
  }

  get scriptPath(): string {
    return this.attempt.file("job.sh");
  }

  /** What the job itself prints; what its program prints is in the logs of the attempt. */
  get wordsPath(): string {
    return this.attempt.file("slurm.log");
  }

  isPrepared(): boolean {
    return existsSync(this.attempt.file("batch.json"));
  }

  /** @returns false when another process was faster */
  writeRecord(spec: BatchSpec, options: readonly string[]): boolean {
    const { jobId, attempt, argv, cwd, timeoutMs, heartbeatMs, graceMs, env, stage } = spec;
    const record = { jobId, attempt, argv, cwd, timeoutMs, heartbeatMs, graceMs, env, stage, options };
    return createOnce(this.attempt.file("batch.json"), `${JSON.stringify(record, null, 2)}\n`);
  }

  /** Notes that it is about to be submitted as an element of an array. */
  async enlist(element: ArrayElement): Promise<void> {
    const text = `${JSON.stringify([...this.elements(), element], null, 2)}\n`;
    await writeFileAtomically(this.attempt.file("arrays.json"), text, { durability: "later" });
  }

  /** As which elements of arrays it may have been submitted; mostly one or none. */
  elements(): readonly ArrayElement[] {
    const list = this.#read("arrays.json");
    if (!Array.isArray(list)) return [];
    return list.flatMap((element: unknown) => {
      if (!isJsonObject(element)) return [];
      const { array, index } = element;
      return typeof array === "string" && typeof index === "number" ? [{ array, index }] : [];
    });
  }

  /**
   * Notes that a job begins to carry the attempt out. This happens once: neither another job nor the same job, which
   * SLURM may start again after a failure of its own, executes the command a second time.
   *
   * @returns false when it had begun before
   */
  begin(schedulerJobId: string, host: string, atMs: number): boolean {
    const record = { scheduler_job_id: schedulerJobId, host, at: toInstant(atMs) };
    return createOnce(this.attempt.file("started.json"), `${JSON.stringify(record, null, 2)}\n`);
  }

  /**
   * Notes that nobody is to carry the attempt out any more.
   *
   * @returns false when somebody began to
   */
  giveUp(atMs: number): boolean {
    const record = { given_up_at: toInstant(atMs) };
    const isOurs = createOnce(this.attempt.file("started.json"), `${JSON.stringify(record, null, 2)}\n`);
    return isOurs || this.startedBy() === undefined;
  }

  /** Which job began to carry it out; `undefined` when none did. */
  startedBy(): string | undefined {
    const value = this.#read("started.json");
    const id = isJsonObject(value) ? value["scheduler_job_id"] : undefined;
    return typeof id === "string" ? id : undefined;
  }

  /** The end of what the job printed, in one line. */
  words(): string {
    const text = readTail(this.wordsPath) ?? "";
    return text
      .split("\n")
      .map((line) => line.replace(/^aexp: /, "").trim())
      .filter((line) => line !== "")
      .slice(-3)
      .join("; ");
  }

  #read(name: string): unknown {
    try {
      return JSON.parse(readTextFile(this.attempt.file(name), MAX_RECORD_BYTES));
    } catch {
      return undefined; // not there, or not visible from here yet
    }
  }
}

/** Reads what {@link BatchFolder.writeRecord} wrote; `undefined` for anything else. */
export function readBatchRecord(path: string): BatchRecord | undefined {
  const value: unknown = JSON.parse(readTextFile(path, MAX_RECORD_BYTES));
  if (!isJsonObject(value)) return undefined;
  const { jobId, attempt, argv, cwd, timeoutMs, heartbeatMs, graceMs, env, stage } = value;
  if (typeof jobId !== "string" || !isJobId(jobId) || typeof attempt !== "number") return undefined;
  if (!isTexts(argv) || typeof cwd !== "string" || !isTextMap(env)) return undefined;
  if (typeof heartbeatMs !== "number" || typeof graceMs !== "number") return undefined;
  if (timeoutMs !== undefined && typeof timeoutMs !== "number") return undefined;
  if (stage !== undefined && !isStageAttempt(stage)) return undefined;
  return { jobId, attempt, argv, cwd, timeoutMs, heartbeatMs, graceMs, env, stage };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isTextMap(value: unknown): value is Readonly<Record<string, string>> {
  return isJsonObject(value) && Object.values(value).every((item) => typeof item === "string");
}

function readTail(path: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch {
    return undefined; // the job never began
  }
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, MAX_WORDS_BYTES));
    const count = readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString("utf8", 0, count);
  } finally {
    closeSync(descriptor);
  }
}
