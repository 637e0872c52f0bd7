import * as Flags from "@oclif/core/flags";

import { applyLanes } from "../../app/apply-lanes.ts";
import { obtainWanted } from "../../app/commit-offers.ts";
import { deliverOutbox } from "../../app/deliver-outbox.ts";
import { PolicyFiring } from "../../app/policy-firing.ts";
import { SlurmReconciler } from "../../app/reconcile-slurm.ts";
import { Resilience } from "../../app/resilience.ts";
import { resolveStages } from "../../app/resolve-stages.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { toReconcileOptions } from "../../cli/batch-session.ts";
import { PACKAGE_ROOT } from "../../cli/cli-config.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import { type BatchTallyJson, renderTally } from "../../cli/render/batch-event.ts";
import { openBatch } from "../../wiring/open-batch.ts";
import { openQueue } from "../../wiring/open-queue.ts";
import { openStages } from "../../wiring/open-stages.ts";
import { openWorkTrees } from "../../wiring/open-work-trees.ts";

export default class SlurmReconcile extends BaseCommand {
  static override summary = "Look at the jobs in SLURM once: submit what waits, and record what has ended.";
  static override description =
    "The same as one look of `aexp agent start`, for cron or by hand. It is safe at any time, beside agents and others " +
    "like it. Exit code 3 when something could not be done now, such as a scheduler that does not answer.";
  static override examples = [
    "<%= config.bin %> slurm reconcile",
    "<%= config.bin %> slurm reconcile --checkout --json",
  ];
  static override flags = {
    checkout: Flags.boolean({
      summary:
        "Execute each run of committed code in a work tree of its commit; fetch commits of other machines' runs.",
    }),
  };

  override async run(): Promise<BatchTallyJson> {
    const { flags } = await this.parse(SlurmReconcile);
    const repo = this.openRepo(flags);
    await using store = await openQueue(repo);
    await applyLanes(store, await repo.readConfig());
    const batch = openBatch(repo, { env: this.io.env, packageRoot: PACKAGE_ROOT });
    const options = toReconcileOptions("slurm", this.io);
    await using stages = openStages(repo);
    const workTrees = flags.checkout ? openWorkTrees(repo) : undefined;
    const ports = { ...stages, store, batch, workTrees };
    const problems: string[] = [];
    const tell = (message: string): void => {
      problems.push(message);
      options.observe({ kind: "problem", message });
    };
    // Whatever keeps stages from being submitted, the jobs that there are must be looked after.
    const resilience = new Resilience(tell, repo.clock);
    const firing = new PolicyFiring(repo, ports, { owner: options.owner, isSource: () => true, tell });
    await resilience.survive<unknown>(() => firing.fire(), undefined);
    await resilience.survive<unknown>(() => resolveStages(repo, ports), undefined);
    const commits = async () => (workTrees === undefined ? [] : await obtainWanted(repo, { store, workTrees }, tell));
    const ticked = await new SlurmReconciler(repo, ports, { ...options, commits }).tick();
    const tally = { ...ticked, problems: [...problems, ...ticked.problems] };
    await deliverOutbox(repo, store);
    if (tally.problems.length > 0) this.exitCode = EXIT.partial;
    this.log(renderTally(tally));
    return tally;
  }
}
