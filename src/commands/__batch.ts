import * as Args from "@oclif/core/args";

import { BaseCommand } from "../cli/base-command.ts";
import { toSafeLine } from "../model/terminal-text.ts";
import { carryOut } from "../wiring/carry-out.ts";

export default class Batch extends BaseCommand {
  static override hidden = true;
  static override summary = "Carry out the attempt in a folder, as a part of a scheduler's job.";
  static override description = "For scripts that aexp itself hands to SLURM.";
  static override args = { folder: Args.string({ description: "Folder of the attempt.", required: true }) };

  override async run(): Promise<{ exit_code: number }> {
    const { args } = await this.parse(Batch);
    const { env, stderr } = this.io;
    const say = (line: string): void => void stderr.write(`aexp: ${toSafeLine(line)}\n`);
    this.exitCode = await carryOut(args.folder, { env, say });
    return { exit_code: this.exitCode };
  }
}
