import { closeSync, existsSync, openSync, readdirSync, readSync, rmSync, statSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";

import { isJsonObject } from "../../model/json.ts";
import { logReader, readLogTail } from "../../platform/log-file.ts";
import { readTextFile } from "../../platform/read-file.ts";
import type { AttemptFiles, EndRecord, Heartbeat, LogReader } from "../attempt-files.ts";
import type { ProcessRecord } from "../document.ts";
import type { JobId } from "../job-id.ts";
import { isProcessRecord } from "../process-record.ts";
import type { RunStore } from "../run-store.ts";

const MAX_RECORD_BYTES = 4 * 1024 * 1024;
/** A longer patch is not worth showing. */
const MAX_PATCH_BYTES = 16 * 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
/** A longer line is no record of metrics; it is dropped, so that memory stays flat. */
const MAX_LINE_LENGTH = 1024 * 1024;

/** The folders of a run store's attempts. Whatever cannot be read counts as missing: these files are extras. */
export class FsAttemptFiles implements AttemptFiles {
  readonly #runs: Pick<RunStore, "workspaceOf">;

  constructor(runs: Pick<RunStore, "workspaceOf">) {
    this.#runs = runs;
  }

  heartbeat(jobId: JobId, attempt: number): Heartbeat | undefined {
    const value = readJson(this.#attemptFile(jobId, attempt, "heartbeat.json"));
    if (!isJsonObject(value)) return undefined;
    const { at, pid } = value;
    return typeof at === "string" && typeof pid === "number" ? { at, pid } : undefined;
  }

  pathOf(jobId: JobId, attempt: number, name: string): string {
    return this.#attemptFile(jobId, attempt, name);
  }

  jobHost(jobId: JobId, attempt: number): string | undefined {
    const value = readJson(this.#attemptFile(jobId, attempt, "started.json"));
    const host = isJsonObject(value) ? value["host"] : undefined;
    return typeof host === "string" ? host : undefined;
  }

  supervisor(jobId: JobId, attempt: number): ProcessRecord | undefined {
    const value = readJson(this.#attemptFile(jobId, attempt, "process.json"));
    const supervisor = isJsonObject(value) ? value["supervisor"] : undefined;
    return isProcessRecord(supervisor) ? supervisor : undefined;
  }

  program(jobId: JobId, attempt: number): ProcessRecord | undefined {
    const value = readJson(this.#attemptFile(jobId, attempt, "process.json"));
    return isProcessRecord(value) ? value : undefined;
  }

  end(jobId: JobId, attempt: number): EndRecord | undefined {
    const value = readJson(this.#attemptFile(jobId, attempt, "exit.json"));
    if (!isJsonObject(value)) return undefined;
    const { endedAtMs, wallclockS, stderrTail } = value;
    if (typeof endedAtMs !== "number" || typeof wallclockS !== "number" || typeof stderrTail !== "string")
      return undefined;
    return { endedAtMs, wallclockS, stderrTail };
  }

  *metricLines(jobId: JobId): Generator<string> {
    const descriptor = openIfPresent(`${this.#runs.workspaceOf(jobId)}/.aexp/metrics.jsonl`);
    if (descriptor === undefined) return;
    try {
      yield* readLines(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  logTail(jobId: JobId, attempt: number, stream: "stdout" | "stderr", maxBytes: number): string | undefined {
    const descriptor = openIfPresent(this.#attemptFile(jobId, attempt, `${stream}.log`));
    return descriptor === undefined ? undefined : readLogTail(descriptor, maxBytes);
  }

  openLog(jobId: JobId, attempt: number, stream: "stdout" | "stderr"): LogReader | undefined {
    const descriptor = openIfPresent(this.#attemptFile(jobId, attempt, `${stream}.log`));
    return descriptor === undefined ? undefined : logReader(descriptor);
  }

  codePatch(jobId: JobId, attempt: number): string | undefined {
    return readText(this.#attemptFile(jobId, attempt, "code.patch"), MAX_PATCH_BYTES);
  }

  record(jobId: JobId, attempt: number, name: "command.json" | "env.json"): unknown {
    return readJson(this.#attemptFile(jobId, attempt, name));
  }

  removeLogs(jobId: JobId, { dryRun }: { readonly dryRun: boolean }): number {
    let freed = 0;
    for (const path of logPaths(`${this.#runs.workspaceOf(jobId)}/.aexp`)) {
      const size = statSync(path, { throwIfNoEntry: false })?.size;
      if (size === undefined) continue;
      freed += size;
      if (!dryRun) rmSync(path, { force: true });
    }
    return freed;
  }

  #attemptFile(jobId: JobId, attempt: number, name: string): string {
    return `${this.#runs.workspaceOf(jobId)}/.aexp/attempt-${attempt}/${name}`;
  }
}

function logPaths(folder: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch {
    return []; // it was never executed here
  }
  return names
    .filter((name) => /^attempt-\d+$/.test(name))
    .flatMap((name) => ["stdout.log", "stderr.log"].map((log) => `${folder}/${name}/${log}`));
}

function* readLines(descriptor: number): Generator<string> {
  const decoder = new StringDecoder("utf8");
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let rest = "";
  for (;;) {
    const count = readSync(descriptor, buffer, 0, buffer.length, null);
    if (count === 0) break;
    const lines = (rest + decoder.write(buffer.subarray(0, count))).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_LENGTH) rest = "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

function openIfPresent(path: string): number | undefined {
  if (!existsSync(path)) return undefined; // most programs write no metrics, and an exception costs more than this
  try {
    return openSync(path, "r");
  } catch {
    // These files are extras: a run is listed and shown without them.
    return undefined;
  }
}

function readText(path: string, maxBytes: number): string | undefined {
  try {
    return readTextFile(path, maxBytes);
  } catch {
    return undefined; // as above
  }
}

function readJson(path: string): unknown {
  const text = readText(path, MAX_RECORD_BYTES);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // half written when the attempt was killed
  }
}
