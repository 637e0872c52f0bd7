declare const brand: unique symbol;

/**
 * What identifies a file or a folder. `sha256:` and 64 hex digits: its content, equal wherever the bytes are equal.
 * `stat:` and 64 hex digits: its place, sizes and times on one machine, for what is too large to be read. docs/outputs.md
 * says how both are computed. An identity, never a location.
 */
export type Digest = string & { readonly [brand]: "Digest" };

/** Whether a text is a digest of either kind. */
export function isDigest(text: string): text is Digest {
  return /^(?:sha256|stat):[0-9a-f]{64}$/.test(text);
}

/** Whether a digest tells of content, so that it means the same on every machine. */
export function isContentDigest(digest: Digest): boolean {
  return digest.startsWith("sha256:");
}

/** The digest of a kind with this SHA-256 in hex. */
export function toDigest(kind: "sha256" | "stat", hex: string): Digest {
  const text = `${kind}:${hex}`;
  if (isDigest(text)) return text;
  throw new Error(`${JSON.stringify(hex)} is no SHA-256 in hex`);
}
