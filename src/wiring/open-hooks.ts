import { join } from "node:path";

import { FsProjectHooks } from "../hooks/fs/fs-project-hooks.ts";
import type { ProjectHooks } from "../hooks/project-hooks.ts";
import { startLocalCommand } from "../executor/local/local-command.ts";
import { systemClock } from "../platform/system-clock.ts";

/** Whose hooks they are, and who may agree to them. */
export interface OpenHooksOptions {
  readonly root: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The hooks of a project on this machine. */
export function openHooks({ root, home, env }: OpenHooksOptions): ProjectHooks {
  const state = env["XDG_STATE_HOME"] || join(home, ".local", "state");
  return new FsProjectHooks({
    root,
    keyPath: join(state, "aexp", "trust.key"),
    env,
    clock: systemClock,
    start: startLocalCommand,
  });
}
