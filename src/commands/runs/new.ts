import * as Flags from "@oclif/core/flags";

import { planRun, registerRun } from "../../app/register-run.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { RUN_IDENTITY_FLAGS, toRunRequest } from "../../cli/state-point-flags.ts";

export default class RunsNew extends BaseCommand {
  static override summary = "Register a run without executing it, and print its job id.";
  static override description = "A run that is there already is left as it is, and its id printed.";
  static override examples = [
    "<%= config.bin %> runs new --experiment E001 --sp lr=0.1,seed=0",
    "<%= config.bin %> runs new --experiment E001 --sp-file params.json --json",
  ];
  static override aliases = ["new-run"];
  static override flags = {
    experiment: Flags.string({ summary: "Experiment that the run belongs to.", helpValue: "E001", required: true }),
    ...RUN_IDENTITY_FLAGS,
  };

  override async run(): Promise<{ job_id: string; new: boolean }> {
    const { flags } = await this.parse(RunsNew);
    const repo = this.openRepo(flags);
    const plan = await planRun(repo, toRunRequest(flags, this.io.cwd));
    const { jobId, isNew } = await registerRun(repo, plan);
    this.log(jobId);
    if (!isNew) this.warnLine(`run ${jobId} was registered before; nothing was changed`);
    return { job_id: jobId, new: isNew };
  }
}
