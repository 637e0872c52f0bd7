import * as Flags from "@oclif/core/flags";

import { applyLanes } from "../../app/apply-lanes.ts";
import { type AgentSummary, runAgent } from "../../app/run-agent.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { toReconcileOptions } from "../../cli/batch-session.ts";
import { PACKAGE_ROOT } from "../../cli/cli-config.ts";
import { withAbortSignal } from "../../cli/stop-signals.ts";
import { parseDuration } from "../../model/duration.ts";
import { openBatch } from "../../wiring/open-batch.ts";
import { openExecutor } from "../../wiring/open-executor.ts";
import { openQueue } from "../../wiring/open-queue.ts";
import { openStages } from "../../wiring/open-stages.ts";
import { openWorkTrees } from "../../wiring/open-work-trees.ts";

export default class AgentStart extends BaseCommand {
  static override summary = "Look after the jobs in SLURM until told to end.";
  static override description =
    "Submits queued runs of lanes that SLURM serves, records how jobs end, cancels what is to stop, runs hooks and purges " +
    "what has been kept long enough. Run it on a login node, in tmux or as a user service. Several may run at once, and " +
    "any may be killed: the next one goes on. Jobs go on without it.";
  static override examples = ["<%= config.bin %> agent start", "<%= config.bin %> agent start --interval 30s"];
  static override flags = {
    interval: Flags.string({
      summary: "How often SLURM is asked how jobs stand.",
      helpValue: "DURATION",
      default: "10s",
    }),
    checkout: Flags.boolean({
      summary:
        "Execute each run of committed code in a work tree of its commit; fetch commits of other machines' runs.",
    }),
    lane: Flags.string({
      summary: "Submit from this lane only; repeat for more.",
      helpValue: "LANE",
      multiple: true,
      multipleNonGreedy: true,
    }),
  };

  override async run(): Promise<AgentSummary> {
    const { flags } = await this.parse(AgentStart);
    const intervalMs = parseDuration(flags.interval, "--interval");
    const repo = this.openRepo(flags);
    await using store = await openQueue(repo);
    await applyLanes(store, await repo.readConfig());
    const batch = openBatch(repo, { env: this.io.env, packageRoot: PACKAGE_ROOT });
    await using stages = openStages(repo);
    const options = toReconcileOptions("agent", this.io);
    const { self } = openExecutor(repo);
    const workTrees = flags.checkout ? openWorkTrees(repo) : undefined;
    const summary = await withAbortSignal((signal) =>
      runAgent(
        repo,
        { ...stages, store, batch, workTrees },
        { ...options, lanes: flags.lane, intervalMs, self, signal },
      ),
    );
    this.io.stderr.write(`${summary.submitted} submitted, ${summary.ended} ended\n`);
    return summary;
  }
}
