import { isUtf8 } from "node:buffer";
import { readdirSync } from "node:fs";
import { join } from "node:path";

import { AexpError, messageOf } from "../../model/errors.ts";
import { fromBytes, fromText, quotePath } from "../../model/byte-path.ts";
import type { OutputDeclaration } from "../declaration.ts";
import { type Digest, isContentDigest } from "../digest.ts";
import { ManifestDigest } from "../manifest.ts";
import type { OutputItem } from "../output-record.ts";
import type { OutputOptions } from "../output-store.ts";
import type { TreeHasher } from "./hash-tree.ts";
import { locateOutput } from "./locate-output.ts";
import { unreadable } from "./tree-failure.ts";

/** What a stream's folder holds. */
export interface StreamContent {
  readonly items: readonly OutputItem[];
  /** Entries that are no items: links, and what is still being written. */
  readonly left: readonly string[];
}

/**
 * The items of a stream's folder, in the order of the bytes of their names. An item that is being written is left for
 * later: it has no marker yet where one is declared, or it changed while it was hashed.
 *
 * @param path of the folder, relative to the run's folder
 * @param known items of an earlier look; those that have not changed since are not read again
 * @throws {AexpError} whatever hashing an item throws, and `output.name_not_utf8`
 */
export async function readStream(
  hasher: TreeHasher,
  place: { readonly runFolder: string; readonly path: string },
  { hash, marker }: Pick<OutputDeclaration, "hash" | "marker">,
  known: readonly OutputItem[],
  options: OutputOptions = {},
): Promise<StreamContent> {
  const { runFolder, path } = place;
  const knownByName = new Map(known.map((item) => [item.item, item]));
  const items: OutputItem[] = [];
  const left: string[] = [];
  for (const { name, isItem } of listEntries(join(runFolder, path))) {
    const itemPath = `${path}/${name}`;
    const isWhole = isItem && (marker === undefined || locateOutput(runFolder, `${itemPath}/${marker}`) !== undefined);
    const item = isWhole ? await hashItem(name) : undefined;
    if (item === undefined) left.push(name);
    else items.push(item);
  }
  return { items, left };

  async function hashItem(name: string): Promise<OutputItem | undefined> {
    const itemPlace = join(runFolder, path, name);
    try {
      const before = knownByName.get(name);
      if (before !== undefined && isContentDigest(before.digest) === (hash === "content")) {
        const { stats } = await hasher.hash(itemPlace, { hash: "stat", signal: options.signal });
        if (stats === before.stats) return before;
      }
      return { item: name, path: `${path}/${name}`, ...(await hasher.hash(itemPlace, { ...options, hash })) };
    } catch (error) {
      // It goes on being written, or was put aside for a newer one.
      if (error instanceof AexpError && LATER.has(error.code)) return undefined;
      throw error;
    }
  }
}

const LATER: ReadonlySet<string> = new Set(["output.changed_while_hashing", "output.not_found"]);

/** The digest of a stream: of its items' names and digests, in order. */
export function streamDigest(items: readonly OutputItem[], hash: OutputDeclaration["hash"]): Digest {
  return digestItems(items, "digest", hash === "content" ? "sha256" : "stat");
}

/** The stats of a stream: of its items' names and stats, in order. */
export function streamStats(items: readonly OutputItem[]): Digest {
  return digestItems(items, "stats", "stat");
}

function digestItems(items: readonly OutputItem[], key: "digest" | "stats", kind: "sha256" | "stat"): Digest {
  const manifest = new ManifestDigest({ of: "stream" });
  for (const item of items) {
    const name = fromText(item.item);
    manifest.addLine(`item ${item[key]} ${name.length}:${name}\n`);
  }
  return manifest.finish(kind);
}

/**
 * The entries of a stream's folder, in the order of the bytes of their names. Hidden ones do not count: programs write to
 * such names before they rename, and network file systems keep removed files under them.
 */
export function listEntries(folder: string): readonly { readonly name: string; readonly isItem: boolean }[] {
  try {
    return readdirSync(folder, { encoding: "buffer", withFileTypes: true })
      .filter(({ name }) => name[0] !== ".".charCodeAt(0))
      .toSorted((left, right) => Buffer.compare(left.name, right.name))
      .map((entry) => {
        if (isUtf8(entry.name)) return { name: entry.name.toString("utf8"), isItem: !entry.isSymbolicLink() };
        throw new AexpError(`The item ${quotePath(fromBytes(entry.name))} of ${JSON.stringify(folder)} is not UTF-8`, {
          code: "output.name_not_utf8",
          hint: "Give the item a name in UTF-8.",
        });
      });
  } catch (error) {
    throw error instanceof AexpError ? error : unreadable(fromText(folder), messageOf(error), error);
  }
}
