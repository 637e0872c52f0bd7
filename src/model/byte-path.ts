/**
 * A path as the file system has it: one character per byte, from U+0000 to U+00FF. Names need not be UTF-8, and two
 * different ones must never become one text. Compared as texts, such paths are in the order of their bytes.
 */
export type BytePath = string;

/** The bytes of a path, as Node's functions take them. */
export function toBytes(path: BytePath): Buffer {
  return Buffer.from(path, "latin1");
}

/** The path with these bytes. */
export function fromBytes(bytes: Buffer): BytePath {
  return bytes.toString("latin1");
}

/** The path that a text names. */
export function fromText(text: string): BytePath {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** The path for a message: what is not UTF-8 becomes U+FFFD, and what a terminal would obey is escaped. */
export function quotePath(path: BytePath): string {
  return JSON.stringify(toBytes(path).toString("utf8"));
}

/** A path below another one; the empty path is that one itself. */
export function joinBytes(root: BytePath, path: BytePath): BytePath {
  if (path === "") return root;
  return root.endsWith("/") ? root + path : `${root}/${path}`;
}
