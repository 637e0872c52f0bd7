import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";

import { AexpError, messageOf, systemErrorCode } from "../../model/errors.ts";
import { writeFileAtomically } from "../../platform/atomic-write.ts";
import { readTextFile } from "../../platform/read-file.ts";
import { outputRecordFile } from "../declaration.ts";
import { type AttemptOutputs, fromAttemptOutputs, toAttemptOutputs } from "../output-record.ts";
import type { OutputsRead } from "../output-store.ts";
import { locateOutput } from "./locate-output.ts";

/** Some 100,000 items of streams. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024;

/** What an attempt's record says. @param file relative to the run's folder */
export function readOutputs(runFolder: string, attempt: number, file: string = outputRecordFile(attempt)): OutputsRead {
  const path = join(runFolder, file);
  try {
    const value: unknown = JSON.parse(readTextFile(path, MAX_RECORD_BYTES, { noFollow: true }));
    const read = toAttemptOutputs(value, attempt);
    if (read.kind === "valid") return { state: "recorded", record: read.value };
    return { state: "unreadable", problem: `${JSON.stringify(path)} is no record of outputs: ${read.problem}` };
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return { state: "none" };
    if (!(error instanceof SyntaxError || error instanceof AexpError || systemErrorCode(error) !== undefined))
      throw error;
    return { state: "unreadable", problem: `${JSON.stringify(path)} cannot be read: ${messageOf(error)}` };
  }
}

/**
 * Writes a record in one step. It is not flushed: that would take longer than hashing small outputs, and what a power cut
 * leaves is a record that cannot be read, which is made again.
 *
 * @throws {AexpError} `output.link_outside`, `environment.read_only`, `environment.disk_full`
 */
export async function writeOutputs(runFolder: string, file: string, outputs: AttemptOutputs): Promise<void> {
  const path = join(runFolder, file);
  mkdirSync(dirname(path), { recursive: true });
  // A command may have put a link in its place, and nothing is written elsewhere on its behalf.
  locateOutput(runFolder, dirname(file));
  const text = `${JSON.stringify(fromAttemptOutputs(outputs), null, 2)}\n`;
  await writeFileAtomically(path, text, { durability: "later" });
}
