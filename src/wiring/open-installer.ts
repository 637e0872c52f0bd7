import { join } from "node:path";

import type { InstallPorts } from "../app/install.ts";
import { FsTextFiles } from "../install/fs/fs-text-files.ts";
import { FsRunStore } from "../run/fs/fs-run-store.ts";

/** What `aexp install` works with in the repository at `root`. */
export function openInstaller(root: string): InstallPorts {
  return { files: new FsTextFiles(root), openStore: (path) => new FsRunStore(join(root, path)) };
}
