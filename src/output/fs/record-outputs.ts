import { rmSync } from "node:fs";
import { join } from "node:path";
import { dirname } from "node:path/posix";

import { type Clock, toInstant } from "../../model/clock.ts";
import { AexpError } from "../../model/errors.ts";
import { systemClock } from "../../platform/system-clock.ts";
import { type OutputDeclaration, outputFolder, outputRecordFile, streamRecordFile } from "../declaration.ts";
import { isContentDigest } from "../digest.ts";
import type { OutputRecord } from "../output-record.ts";
import type { OutputOptions, OutputsEnd } from "../output-store.ts";
import { checkOutput } from "./check-output.ts";
import { TreeHasher } from "./hash-tree.ts";
import { locateOutput } from "./locate-output.ts";
import { readOutputs, writeOutputs } from "./outputs-file.ts";
import { readStream, streamDigest, streamStats } from "./stream-items.ts";

/** How outputs are recorded. */
export interface RecordOptions extends OutputOptions {
  readonly clock?: Clock;
  /** See {@link TreeHasher}. */
  readonly threads?: number | undefined;
}

/**
 * Records what an attempt wrote, once its program has ended with 0. All declared outputs are there, or nothing is
 * recorded. The record appears in one step when all is hashed, so a kill leaves a whole one or none. Called again it gives
 * the same; what is recorded and has not changed since, by sizes and times, is not read again.
 *
 * @throws {AexpError} `environment.read_only`, `environment.disk_full` when the record cannot be written
 * @throws the reason of the signal
 */
export async function recordOutputs(
  runFolder: string,
  attempt: number,
  declarations: readonly OutputDeclaration[],
  options: RecordOptions = {},
): Promise<OutputsEnd> {
  // A look costs little: what is missing is told before anything is hashed.
  for (const declaration of declarations) {
    const problem = findProblem(runFolder, attempt, declaration);
    if (problem !== undefined) return problem;
  }
  const before = await readValid(runFolder, attempt, declarations);
  if (before !== undefined) return { state: "recorded", outputs: before };

  const outputs: OutputRecord[] = [];
  await using hasher = new TreeHasher(options.threads);
  const known = readStreams(runFolder, attempt);
  for (const declaration of declarations) {
    try {
      outputs.push(await recordOne(hasher, { runFolder, attempt, known }, declaration, options));
    } catch (error) {
      if (!(error instanceof AexpError)) throw error;
      return { state: "invalid", name: declaration.name, message: error.message };
    }
  }
  await writeOutputs(runFolder, outputRecordFile(attempt), { attempt, outputs });
  rmSync(join(runFolder, streamRecordFile(attempt)), { force: true });
  return { state: "recorded", outputs };
}

/**
 * Registers the items that a running attempt has added to its streams so far, for whoever waits for them. A stream that
 * is not there yet, or cannot be read, is left out: when the attempt ends, {@link recordOutputs} says why.
 *
 * @returns one record for each stream
 */
export async function recordStreamItems(
  runFolder: string,
  attempt: number,
  declarations: readonly OutputDeclaration[],
  options: RecordOptions = {},
): Promise<readonly OutputRecord[]> {
  const known = readStreams(runFolder, attempt);
  const outputs: OutputRecord[] = [];
  await using hasher = new TreeHasher(options.threads);
  for (const declaration of declarations.filter(({ stream }) => stream)) {
    try {
      if (findProblem(runFolder, attempt, declaration) !== undefined) continue;
      outputs.push(await recordOne(hasher, { runFolder, attempt, known }, declaration, options));
    } catch (error) {
      if (!(error instanceof AexpError)) throw error;
    }
  }
  const isNews = outputs.some(({ name, stats }) => known.find((output) => output.name === name)?.stats !== stats);
  if (isNews) await writeOutputs(runFolder, streamRecordFile(attempt), { attempt, outputs });
  return outputs;
}

function findProblem(
  runFolder: string,
  attempt: number,
  { name, path, marker, stream }: OutputDeclaration,
): Exclude<OutputsEnd, { readonly state: "recorded" }> | undefined {
  const fullPath = `${outputFolder(attempt)}/${path}`;
  try {
    const located = locateOutput(runFolder, fullPath);
    if (located === undefined) return { state: "missing", name, path: fullPath };
    if (stream) {
      const message = `${JSON.stringify(located.path)} is a stream of items, and so has to be a folder`;
      return located.isFolder ? undefined : { state: "invalid", name, message };
    }
    if (marker === undefined) return undefined;
    const markerPath = `${located.isFolder ? fullPath : dirname(fullPath)}/${marker}`;
    return locateOutput(runFolder, markerPath) === undefined ? { state: "missing", name, path: markerPath } : undefined;
  } catch (error) {
    if (!(error instanceof AexpError)) throw error;
    return { state: "invalid", name, message: error.message };
  }
}

/** The outputs of an earlier record, if that is still right. */
async function readValid(
  runFolder: string,
  attempt: number,
  declarations: readonly OutputDeclaration[],
): Promise<readonly OutputRecord[] | undefined> {
  const before = readOutputs(runFolder, attempt);
  if (before.state !== "recorded" || before.record.outputs.length !== declarations.length) return undefined;
  const { outputs } = before.record;
  for (const [index, declaration] of declarations.entries()) {
    const record = outputs[index];
    if (record === undefined || !isRecordOf(declaration, record, attempt)) return undefined;
    if ((await checkOutput(record, runFolder)) !== "present") return undefined;
  }
  return outputs;
}

function isRecordOf(declaration: OutputDeclaration, record: OutputRecord, attempt: number): boolean {
  return (
    record.name === declaration.name &&
    record.path === `${outputFolder(attempt)}/${declaration.path}` &&
    record.kind === declaration.kind &&
    (record.items !== undefined) === declaration.stream &&
    isContentDigest(record.digest) === (declaration.hash === "content")
  );
}

function readStreams(runFolder: string, attempt: number): readonly OutputRecord[] {
  const read = readOutputs(runFolder, attempt, streamRecordFile(attempt));
  // One that cannot be read only means that its items are read again.
  return read.state === "recorded" ? read.record.outputs : [];
}

async function recordOne(
  hasher: TreeHasher,
  place: { readonly runFolder: string; readonly attempt: number; readonly known: readonly OutputRecord[] },
  declaration: OutputDeclaration,
  { clock = systemClock, signal, ...told }: RecordOptions,
): Promise<OutputRecord> {
  const { runFolder, attempt, known } = place;
  const { name, kind, hash } = declaration;
  const path = `${outputFolder(attempt)}/${declaration.path}`;
  const options = { ...told, signal };
  if (!declaration.stream) {
    const identity = await hasher.hash(join(runFolder, path), { ...options, hash });
    return { name, path, kind, ...identity, checkedAt: toInstant(clock.nowMs()) };
  }
  const before = known.find((output) => output.name === name && output.path === path)?.items ?? [];
  const { items, left } = await readStream(hasher, { runFolder, path }, declaration, before, options);
  return {
    name,
    path,
    kind,
    digest: streamDigest(items, hash),
    bytes: items.reduce((total, { bytes }) => total + bytes, 0),
    files: items.reduce((total, { files }) => total + files, 0),
    items,
    ...(left.length === 0 ? {} : { left }),
    checkedAt: toInstant(clock.nowMs()),
    stats: streamStats(items),
  };
}
