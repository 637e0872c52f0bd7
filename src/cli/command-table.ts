// Generated from src/commands/ by `npm run generate`. Do not edit.
import type { CommandModule } from "./launch.ts";

export const COMMANDS: Readonly<Record<string, () => Promise<CommandModule>>> = {
  "completion": () => import("../commands/completion.ts"),
  "version": () => import("../commands/version.ts"),
};

export const ALIASES: Readonly<Record<string, string>> = {

};
