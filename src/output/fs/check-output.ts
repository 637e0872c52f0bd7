import { AexpError, systemErrorCode } from "../../model/errors.ts";
import { isContentDigest } from "../digest.ts";
import type { OutputItem, OutputRecord } from "../output-record.ts";
import type { CheckedOutput, OutputOptions, OutputState, OutputVerdict } from "../output-store.ts";
import { TreeHasher, type TreeIdentity } from "./hash-tree.ts";
import { locateOutput } from "./locate-output.ts";
import { listEntries, streamDigest } from "./stream-items.ts";

/**
 * Whether an output is as it was recorded, by its sizes and times: its content is not read. An output that cannot be
 * looked at counts as changed, as nobody can say that it is the same.
 */
export async function checkOutput(record: CheckedOutput, runFolder: string): Promise<OutputState> {
  await using hasher = new TreeHasher(0);
  try {
    const located = locateOutput(runFolder, record.path);
    if (located === undefined) return "missing";
    if (record.items === undefined) {
      const { stats } = await hasher.hash(located.path, { hash: "stat" });
      return stats === record.stats ? "present" : "changed";
    }
    if (!located.isFolder || newEntries(record, located.path).length > 0) return "changed";
    for (const item of record.items) {
      const found = await hashPart(hasher, runFolder, item, { hash: "stat" });
      if (found?.stats !== item.stats) return "changed";
    }
    return "present";
  } catch (error) {
    if (error instanceof AexpError || systemErrorCode(error) !== undefined) return "changed";
    throw error;
  }
}

/** Whether an output is as it was recorded: everything is read again. Nothing is written. */
export async function verifyOutput(
  record: OutputRecord,
  runFolder: string,
  options: OutputOptions = {},
): Promise<OutputVerdict> {
  await using hasher = new TreeHasher();
  const hash = isContentDigest(record.digest) ? "content" : "stat";
  try {
    const located = locateOutput(runFolder, record.path);
    if (located === undefined) return { state: "missing" };
    if (record.items === undefined || !located.isFolder) {
      const { digest } = await hasher.hash(located.path, { ...options, hash });
      return digest === record.digest ? { state: "same" } : { state: "changed", digest };
    }
    const found: OutputItem[] = [];
    const differing = [...newEntries(record, located.path)];
    for (const item of record.items) {
      const now = await hashPart(hasher, runFolder, item, { ...options, hash });
      if (now !== undefined) found.push({ ...item, ...now });
      if (now?.digest !== item.digest) differing.push(item.item);
    }
    if (differing.length === 0) return { state: "same" };
    return { state: "changed", digest: streamDigest(found, hash), items: differing.toSorted() };
  } catch (error) {
    if (error instanceof AexpError) return { state: "unreadable", message: error.message };
    throw error;
  }
}

/** Names in a stream's folder that were not there when it was recorded. */
function newEntries({ items = [], left = [] }: CheckedOutput, folder: string): readonly string[] {
  const known = new Set([...items.map(({ item }) => item), ...left]);
  return listEntries(folder).flatMap(({ name }) => (known.has(name) ? [] : [name]));
}

/** @returns `undefined` for an item that is gone */
async function hashPart(
  hasher: TreeHasher,
  runFolder: string,
  { path }: OutputItem,
  options: Parameters<TreeHasher["hash"]>[1],
): Promise<TreeIdentity | undefined> {
  const located = locateOutput(runFolder, path);
  return located === undefined ? undefined : await hasher.hash(located.path, options);
}
