import { mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

import { removeTree } from "../../src/code/fs/read-only-tree.ts";

/** A new folder that goes when the test ends. */
export function tempDir(prefix = "aexp-test-"): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), prefix)));
  onTestFinished(() => removeTree(path)); // checkouts of code are read-only
  return path;
}
