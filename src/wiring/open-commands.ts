import type { StartCommand } from "../executor/command.ts";
import { startLocalCommand } from "../executor/local/local-command.ts";

/** Starts commands on this machine that are no runs. */
export function openCommands(): StartCommand {
  return startLocalCommand;
}
