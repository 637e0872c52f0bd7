import { readdirSync } from "node:fs";
import { join } from "node:path";

import { readTextFile } from "../../platform/read-file.ts";

const MAX_BYTES = 256 * 1024;

/** The text of the license file at the root of a repository; `undefined` when there is none that can be read. */
export function findLicense(root: string): string | undefined {
  try {
    const name = readdirSync(root)
      .toSorted()
      .find((file) => /^(?:licen[cs]e|copying)(?:\.(?:md|txt))?$/i.test(file));
    return name === undefined ? undefined : readTextFile(join(root, name), MAX_BYTES, { noFollow: true });
  } catch {
    return undefined; // not ours to read, or a link
  }
}
