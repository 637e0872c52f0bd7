import { hash } from "node:crypto";

import { AexpError } from "../../model/errors.ts";
import { type BytePath, joinBytes, quotePath } from "../../model/byte-path.ts";
import type { Digest } from "../digest.ts";
import { ManifestDigest } from "../manifest.ts";
import type { TurnTaking } from "./turn-taking.ts";
import { type TreeEntry, walkTree } from "./walk-tree.ts";

/** A file as it goes into a manifest. */
export interface FileFacts {
  readonly path: BytePath;
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly isExecutable: boolean;
}

/** Sums and digests of a tree, from entries that come in the order of their paths. */
export class TreeSummary {
  bytes = 0;
  files = 0;
  readonly #identity: ManifestDigest;
  readonly #stats = new ManifestDigest({ of: "stats" });
  readonly #ofContent: boolean;

  /** @param place for a digest of stats, which holds at this place only; without it, the digest is one of content */
  constructor(place?: BytePath) {
    this.#ofContent = place === undefined;
    this.#identity = new ManifestDigest(place === undefined ? { of: "tree" } : { of: "place", root: place });
  }

  /** @param sha256 of the file's content; without it, the digest has to be one of stats */
  addFile({ path, size, mtimeNs, isExecutable }: FileFacts, sha256?: string): void {
    const entry = { type: isExecutable ? "exec" : "file", path, size } as const;
    this.bytes += size;
    this.files += 1;
    this.#stats.add({ ...entry, identity: String(mtimeNs) });
    this.#identity.add({ ...entry, identity: sha256 ?? String(mtimeNs) });
  }

  addOther(entry: TreeEntry & { readonly type: "link" | "folder" }): void {
    const line =
      entry.type === "link"
        ? { size: entry.target.length, identity: hash("sha256", Buffer.from(entry.target, "latin1"), "hex") }
        : { size: 0, identity: "-" };
    for (const manifest of [this.#stats, this.#identity]) manifest.add({ type: entry.type, path: entry.path, ...line });
  }

  finish(): { readonly digest: Digest; readonly stats: Digest } {
    return { digest: this.#identity.finish(this.#ofContent ? "sha256" : "stat"), stats: this.#stats.finish("stat") };
  }
}

/**
 * The digests of a tree by its sizes and times, without a look at any content.
 *
 * @param check told of every link before it counts
 * @throws {TreeChangedError} when something goes while it is looked at
 * @throws {AexpError} `output.unreadable`, `output.special_file`, and what `check` throws
 */
export async function summariseStats(
  root: BytePath,
  turn: TurnTaking,
  check: (path: BytePath, target: BytePath) => void = () => undefined,
): Promise<{ readonly digest: Digest; readonly stats: Digest; readonly bytes: number; readonly files: number }> {
  const summary = new TreeSummary(root);
  for (const entry of walkTree(root)) {
    if (turn.isOver()) await turn.yield();
    if (entry.type === "special") throw specialFile(root, entry);
    if (entry.type === "link") check(entry.path, entry.target);
    if (entry.type === "file") summary.addFile(entry);
    else summary.addOther(entry);
  }
  const { bytes, files } = summary;
  return { ...summary.finish(), bytes, files };
}

/** @returns the error `output.special_file` */
export function specialFile(root: BytePath, { path, what }: TreeEntry & { readonly type: "special" }): AexpError {
  return new AexpError(`${quotePath(joinBytes(root, path))} is ${what}, which has no content to record`, {
    code: "output.special_file",
    hint: "Put it elsewhere, or remove it before the command ends.",
  });
}
