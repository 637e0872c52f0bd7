import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { runPolicy } from "../../app/run-policy.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import { type PolicyRunJson, renderPolicyRun, toPolicyRunJson } from "../../cli/render/policies.ts";
import { screenOf } from "../../cli/screen.ts";
import { currentUser } from "../../wiring/current-user.ts";
import { openQueue } from "../../wiring/open-queue.ts";
import { openStages } from "../../wiring/open-stages.ts";

export default class PolicyRun extends BaseCommand {
  static override summary = "Submit what a policy would have submitted, had it been there from the beginning.";
  static override description =
    "By themselves policies are fired for outputs that are newer than they are. Workers execute what is submitted here, too. " +
    "The caller of each run is $AEXP_CALLER, else that of the run that wrote the output.";
  static override examples = [
    "<%= config.bin %> policy run evaluate --dry-run",
    "<%= config.bin %> policy run evaluate",
  ];
  static override args = {
    name: Args.string({ description: "Name of the policy, as `policy list` shows it.", required: true }),
  };
  static override flags = {
    "dry-run": Flags.boolean({ summary: "List the outputs that have no run of it; submit nothing.", default: false }),
  };

  override async run(): Promise<PolicyRunJson> {
    const { args, flags } = await this.parse(PolicyRun);
    const repo = this.openRepo(flags);
    await using stages = openStages(repo);
    await using store = await openQueue(repo);
    const outcome = await runPolicy(repo, { ...stages, store }, args.name, {
      dryRun: flags["dry-run"],
      owner: currentUser(),
      caller: this.io.env["AEXP_CALLER"] || undefined,
      tell: (problem) => repo.warn(problem),
    });
    if (outcome.isPartial) this.exitCode = EXIT.partial;
    this.log(renderPolicyRun(outcome, screenOf(this.io, this.color, repo.clock.nowMs())));
    return toPolicyRunJson(outcome);
  }
}
