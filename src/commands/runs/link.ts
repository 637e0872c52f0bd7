import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { linkRun } from "../../app/link-run.ts";
import { resolveJobId } from "../../app/resolve-run.ts";
import { BaseCommand } from "../../cli/base-command.ts";

export default class RunsLink extends BaseCommand {
  static override summary = "Say which experiment a run belongs to.";
  static override description = "The run's identity stays. The ledger entry of a finished run is renewed.";
  static override examples = [
    "<%= config.bin %> runs link d3a7 --experiment E001",
    "<%= config.bin %> runs link @last --experiment E002 --hypothesis H003",
  ];
  static override aliases = ["link"];
  static override args = { run: Args.string({ description: "Job id, a unique prefix, or @last.", required: true }) };
  static override flags = {
    experiment: Flags.string({ summary: "The experiment.", helpValue: "E001", required: true }),
    hypothesis: Flags.string({ summary: "The hypothesis.", helpValue: "H001" }),
    "sub-hypothesis": Flags.string({ summary: "The sub-hypothesis.", helpValue: "H001" }),
  };

  override async run(): Promise<{ job_id: string; experiment_id: string; ledger: string }> {
    const { args, flags } = await this.parse(RunsLink);
    const repo = this.openRepo(flags);
    const jobId = resolveJobId(repo, args.run);
    const ledger = await linkRun(repo, jobId, {
      experimentId: flags.experiment,
      hypothesisId: flags.hypothesis,
      subHypothesisId: flags["sub-hypothesis"],
    });
    this.log(
      `Run ${jobId} belongs to ${flags.experiment}${ledger === "written" ? "; its ledger entry was renewed" : ""}.`,
    );
    return { job_id: jobId, experiment_id: flags.experiment, ledger };
  }
}
