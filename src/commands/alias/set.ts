import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { setAlias } from "../../app/set-alias.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { currentUser } from "../../wiring/current-user.ts";
import { openQueue } from "../../wiring/open-queue.ts";
import { openStages } from "../../wiring/open-stages.ts";

export default class AliasSet extends BaseCommand {
  static override summary = "Let a name stand for a run that is complete, or for one of its outputs.";
  static override description =
    "Pipelines read it as @NAME: what it stands for is looked up once, when they are submitted. Every version stays in its " +
    "log. With --expect it is set only if nobody has set it meanwhile.";
  static override examples = [
    "<%= config.bin %> alias set baseline 3f2a",
    "<%= config.bin %> alias set best @last.model",
    "<%= config.bin %> alias set best @candidate --expect 4",
  ];
  static override args = {
    name: Args.string({ description: "Letters, digits, _, . and -.", required: true }),
    run: Args.string({
      description: "RUN or RUN.OUTPUT: a job id, a unique prefix of it, @last, or another alias as @NAME.",
      required: true,
    }),
  };
  static override flags = {
    expect: Flags.integer({
      summary: "The version that must be in force; 0 when there must be none.",
      helpValue: "VERSION",
      min: 0,
    }),
  };

  override async run(): Promise<{ alias: string; version: number; job_id: string; output: string | null }> {
    const { args, flags } = await this.parse(AliasSet);
    const repo = this.openRepo(flags);
    await using stages = openStages(repo);
    await using store = await openQueue(repo);
    const { name, version, run, output } = await setAlias(
      repo,
      { ...stages, store },
      {
        name: args.name,
        target: args.run,
        caller: this.io.env["AEXP_CALLER"] || currentUser(),
        expect: flags.expect,
      },
    );
    const what = output === undefined ? `run ${run.slice(0, 8)}` : `${output} of run ${run.slice(0, 8)}`;
    this.log(`@${name} is ${what} now, version ${version}`);
    return { alias: name, version, job_id: run, output: output ?? null };
  }
}
