import type { BaseCommand } from "./base-command.ts";
import type { CliConfig } from "./cli-config.ts";

/** A command class as its module exports it. */
export type CommandModule = {
  readonly default: { new (argv: string[], config: CliConfig): BaseCommand; id: string };
};
