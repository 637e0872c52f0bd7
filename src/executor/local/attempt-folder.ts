import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";

import { toInstant } from "../../model/clock.ts";
import { systemErrorCode } from "../../model/errors.ts";
import { isJsonObject } from "../../model/json.ts";
import { writeFileAtomically } from "../../platform/atomic-write.ts";
import { readTextFile } from "../../platform/read-file.ts";
import type { ProcessRecord } from "../../run/document.ts";
import type { AttemptCause, AttemptEnd, AttemptSpec } from "../executor.ts";

const MAX_RECORD_BYTES = 1024 * 1024;

/** The folder of one attempt in its run's workspace: what was started, where it lives, how it ended. */
export class AttemptFolder {
  readonly path: string;

  readonly #attempt: number;

  constructor(workspace: string, attempt: number) {
    this.path = join(workspace, ".aexp", `attempt-${attempt}`);
    this.#attempt = attempt;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Writes what is known before the program starts. */
  async prepare(spec: AttemptSpec, startedAtMs: number): Promise<void> {
    mkdirSync(this.path, { recursive: true });
    this.#putAwayMetrics();
    const { argv, cwd } = spec;
    await this.#write("command.json", { argv, cwd, started_at: toInstant(startedAtMs), timeout_ms: spec.timeoutMs });
    await this.#write("env.json", describeEnvironment(spec.env));
    if (spec.codePatch !== undefined && spec.codePatch.length > 0)
      await writeFileAtomically(this.file("code.patch"), spec.codePatch, { durability: "later" });
  }

  async writeProcess(record: ProcessRecord): Promise<void> {
    await this.#write("process.json", record);
  }

  async writeHeartbeat(atMs: number): Promise<void> {
    await this.#write("heartbeat.json", { at: toInstant(atMs), pid: process.pid });
  }

  async writeEnd(end: AttemptEnd): Promise<void> {
    await writeFileAtomically(this.file("exit.json"), toJson(end));
  }

  readProcess(): ProcessRecord | undefined {
    const value = this.#read("process.json");
    return isProcessRecord(value) ? value : undefined;
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

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function isProcessRecord(value: unknown): value is ProcessRecord {
  return (
    isJsonObject(value) &&
    typeof value["pid"] === "number" &&
    typeof value["pgid"] === "number" &&
    typeof value["host"] === "string"
  );
}

function isAttemptEnd(value: unknown): value is AttemptEnd {
  return (
    isJsonObject(value) &&
    isCause(value["cause"]) &&
    typeof value["endedAtMs"] === "number" &&
    typeof value["wallclockS"] === "number" &&
    typeof value["stderrTail"] === "string" &&
    (value["exitCode"] === null || typeof value["exitCode"] === "number") &&
    (value["signal"] === null || typeof value["signal"] === "string")
  );
}

function isCause(value: unknown): value is AttemptCause {
  if (!isJsonObject(value)) return false;
  switch (value["kind"]) {
    case "exited":
      return typeof value["exitCode"] === "number";
    case "signalled":
      return typeof value["signal"] === "string";
    case "out_of_memory":
      return true;
    case "timed_out":
      return typeof value["timeoutMs"] === "number";
    case "stopped":
      return value["by"] === "SIGINT" || value["by"] === "SIGTERM" || value["by"] === "SIGHUP";
    case "not_started":
      return typeof value["problem"] === "string";
    default:
      return false;
  }
}
