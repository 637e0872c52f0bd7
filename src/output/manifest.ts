import { createHash } from "node:crypto";

import type { BytePath } from "../model/byte-path.ts";
import { type Digest, toDigest } from "./digest.ts";

/**
 * One line of a manifest. What the identity is depends on the manifest: of content the SHA-256 of a file's bytes, of stats
 * the time of its last change. For a link it is the SHA-256 of its target in both, for an empty folder `-`.
 */
export interface ManifestEntry {
  /** `exec` is a file that its owner may execute. */
  readonly type: "file" | "exec" | "link" | "folder";
  /** Relative to the root; empty for the root itself; that of a folder ends with a slash. */
  readonly path: BytePath;
  /** In bytes: of a file, or of a link's target; of a folder 0. */
  readonly size: number;
  readonly identity: string;
}

/** The line of an entry, one character per byte. The length before the path makes every name unambiguous. */
export function manifestLine({ type, path, size, identity }: ManifestEntry): string {
  return `${type} ${size} ${identity} ${path.length}:${path}\n`;
}

/**
 * What a manifest tells of, which is its first line: content, stats below a root wherever it is, stats at one place of
 * one machine, or the items of a stream.
 */
export type ManifestKind =
  | { readonly of: "tree" | "stats" | "stream" }
  | { readonly of: "place"; readonly root: BytePath };

/** Computes the digest of a manifest from lines that come in the order of their paths, and keeps none of them. */
export class ManifestDigest {
  readonly #hash = createHash("sha256");

  constructor(kind: ManifestKind) {
    this.addLine(`aexp-${kind.of} 1\n`);
    if (kind.of === "place") this.addLine(`${kind.root.length}:${kind.root}\n`);
  }

  add(entry: ManifestEntry): void {
    this.addLine(manifestLine(entry));
  }

  /** @param line one character per byte */
  addLine(line: string): void {
    this.#hash.update(line, "latin1");
  }

  finish(kind: "sha256" | "stat"): Digest {
    return toDigest(kind, this.#hash.digest("hex"));
  }
}
