import { join } from "node:path";

import { type DetachedProcess, startDetached } from "../executor/local/detached-process.ts";

/** An `aexp` command line that is to go on in the background. */
export interface BackgroundCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logPath: string;
  /** The folder of our package, where the program is. */
  readonly packageRoot: string;
}

/** Starts this program once more, in the background. */
export async function startAexp({ argv, packageRoot, ...rest }: BackgroundCommand): Promise<DetachedProcess> {
  // The sources execute as they are; the bundle is started by the file that switches the compile cache on.
  const program = import.meta.url.endsWith(".ts") ? "src/main.ts" : "bin/aexp.js";
  return await startDetached({ ...rest, argv: [process.execPath, join(packageRoot, program), ...argv] });
}
