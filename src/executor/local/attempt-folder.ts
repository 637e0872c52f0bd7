import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";

import { toInstant } from "../../model/clock.ts";
import { systemErrorCode } from "../../model/errors.ts";
import { writeFileAtomically, writeFileInPlace } from "../../platform/atomic-write.ts";
import { createOnce } from "../../platform/create-once.ts";
import { readTextFile } from "../../platform/read-file.ts";
import { outputFolder } from "../../output/declaration.ts";
import type { ProcessRecord } from "../../run/document.ts";
import type { AttemptEnd, AttemptSpec, StageAttempt } from "../executor.ts";
import { isAttemptEnd, type Supervision, toProgram, toSupervision } from "./attempt-records.ts";

const MAX_RECORD_BYTES = 1024 * 1024;

/** The folder of one attempt in its run's workspace: what was started, where it lives, how it ended. */
export class AttemptFolder {
  readonly path: string;

  /** The run's folder. */
  readonly workspace: string;
  readonly #attempt: number;

  constructor(workspace: string, attempt: number) {
    this.workspace = workspace;
    this.path = join(workspace, ".aexp", `attempt-${attempt}`);
    this.#attempt = attempt;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /**
   * Makes the folder, and writes what is known before the program starts.
   *
   * @throws {Error} also when the run's folder is gone
   */
  prepare(spec: AttemptSpec, startedAtMs: number): void {
    this.make();
    this.describe(spec, startedAtMs);
  }

  /**
   * Makes the folder inside that of the run, which must be there.
   *
   * @throws {Error} also when the run's folder is gone
   */
  make(): void {
    this.#makeFolders();
    this.#putAwayMetrics();
  }

  #makeFolders(): void {
    for (const path of [join(this.path, ".."), this.path]) {
      try {
        mkdirSync(path);
      } catch (error) {
        const code = systemErrorCode(error);
        if (code === "EEXIST" && existsSync(join(path, "."))) continue;
        if (code !== "ENOENT") throw error;
        throw new Error(`the run's folder ${JSON.stringify(this.workspace)} is gone (ENOENT)`, { cause: error });
      }
    }
  }

  /** Writes what is known before the program starts. */
  describe(spec: AttemptSpec, startedAtMs: number): void {
    const { argv, cwd } = spec;
    // A time limit counts from the moment at which the process is on record.
    const command = { argv, cwd, started_at: toInstant(startedAtMs), timeout_ms: spec.timeoutMs };
    writeFileInPlace(this.file("command.json"), toJson(command));
    writeFileInPlace(this.file("env.json"), toJson(describeEnvironment(spec.env)));
    if (spec.codePatch !== undefined && spec.codePatch.length > 0)
      writeFileInPlace(this.file("code.patch"), spec.codePatch);
    if (spec.stage !== undefined) this.#prepareStage(spec.stage);
  }

  /** The folders in which its outputs will lie, and the files that its command is told of. */
  #prepareStage({ outputs, files }: StageAttempt): void {
    const folder = join(this.workspace, outputFolder(this.#attempt));
    mkdirSync(folder, { recursive: true });
    for (const { path } of outputs) mkdirSync(dirname(join(folder, path)), { recursive: true });
    for (const { name, text } of files) writeFileInPlace(this.file(name), text);
  }

  async writeProcess(record: ProcessRecord): Promise<void> {
    await this.#write("process.json", record);
  }

  /**
   * Takes the attempt for a supervisor and says which program it is, in one step.
   *
   * @returns false when the attempt was given up, or is somebody else's: then its command must not begin
   */
  take(supervision: Supervision): boolean {
    return createOnce(this.file("process.json"), toJson(fromSupervision(supervision)));
  }

  /**
   * Makes sure that an attempt which has not begun never begins.
   *
   * @returns false when it has begun
   */
  giveUp(givenUpAtMs: number): boolean {
    // An attempt never makes its run's folder, so without it none can begin.
    if (!existsSync(this.workspace)) return true;
    this.#makeFolders();
    const text = toJson({ given_up_at: toInstant(givenUpAtMs) });
    return createOnce(this.file("process.json"), text) || this.readProcess() === undefined;
  }

  /** Whether it has begun or was given up. */
  isTaken(): boolean {
    return existsSync(this.file("process.json"));
  }

  readSupervision(): Supervision | undefined {
    return toSupervision(this.#read("process.json"));
  }

  /** Hands the attempt to another worker. */
  async writeSupervision(supervision: Supervision): Promise<void> {
    await this.#write("process.json", fromSupervision(supervision));
  }

  /** Says that the program is ended on purpose, for a supervisor that cannot be told otherwise. */
  async writeStop(atMs: number): Promise<void> {
    await this.#write("stop.json", { at: toInstant(atMs), pid: process.pid });
  }

  isStopAsked(): boolean {
    return existsSync(this.file("stop.json"));
  }

  async writeHeartbeat(atMs: number): Promise<void> {
    await this.#write("heartbeat.json", { at: toInstant(atMs), pid: process.pid });
  }

  async writeEnd(end: AttemptEnd, durability: "each" | "later"): Promise<void> {
    await writeFileAtomically(this.file("exit.json"), toJson(end), { durability });
  }

  readProcess(): ProcessRecord | undefined {
    return toProgram(this.#read("process.json"));
  }

  readEnd(): AttemptEnd | undefined {
    const value = this.#read("exit.json");
    return isAttemptEnd(value) ? value : undefined;
  }

  /** The metrics of the attempt before go into its own folder, so that each attempt's numbers are its own. */
  #putAwayMetrics(): void {
    if (this.#attempt === 1) return;
    const shared = join(this.path, "..");
    try {
      renameSync(join(shared, "metrics.jsonl"), join(shared, `attempt-${this.#attempt - 1}`, "metrics.jsonl"));
    } catch (error) {
      // That attempt wrote none, or was no attempt of ours and has no folder.
      if (systemErrorCode(error) !== "ENOENT") throw error;
    }
  }

  async #write(name: string, value: unknown): Promise<void> {
    await writeFileAtomically(this.file(name), toJson(value), { durability: "later" });
  }

  #read(name: string): unknown {
    try {
      return JSON.parse(readTextFile(this.file(name), MAX_RECORD_BYTES));
    } catch {
      // Not written before the kill, or half written: the attempt has no such record.
      return undefined;
    }
  }
}

/** Names of all variables, values only of aexp's own: any other may be a secret. */
function describeEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, unknown> {
  const names = Object.keys(env)
    .filter((name) => env[name] !== undefined)
    .toSorted();
  const own = names.filter((name) => name.startsWith("AEXP_") && !/URL|TOKEN|SECRET|PASSWORD|KEY/.test(name));
  return {
    names,
    values: Object.fromEntries(own.map((name) => [name, env[name]])),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
  };
}

function fromSupervision({ program, supervisor, worker, graceMs }: Supervision): unknown {
  return { ...program, supervisor, worker, grace_ms: graceMs };
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
