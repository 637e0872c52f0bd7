import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { stopTasks } from "../../app/stop-tasks.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { type OutcomeJson, printOutcomes } from "../../cli/print-outcomes.ts";
import { openStopPorts, STOP_WORDS } from "../../cli/stop-ports.ts";
import { TASK_FILTER_FLAGS, toTaskFilter } from "../../cli/task-filter-flags.ts";
import { findTargets } from "../../cli/task-targets.ts";
import { parseDuration } from "../../model/duration.ts";
import { ACTIVE_STATES, PENDING_STATES } from "../../queue/task.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";

export default class QueueStop extends BaseCommand {
  static override summary = "Stop runs: those that wait are abandoned, those under way are told to end.";
  static override description =
    "The worker that executes a run obeys within a second, wherever it is: TERM to the program and all that it started, " +
    "and KILL after the run's grace. A job in SLURM is cancelled. A run under `aexp run` on this machine is stopped, too. A run that has ended stays " +
    "as it is.";
  static override examples = [
    "<%= config.bin %> queue stop d3a7 9f2c",
    "<%= config.bin %> queue stop --tag night --grace 1m",
    "<%= config.bin %> queue stop --all --force",
  ];
  static override args = {
    run: Args.string({ description: "Job ids, unique prefixes, or @last.", multiple: true }),
  };
  static override flags = {
    ...TASK_FILTER_FLAGS,
    all: Flags.boolean({ summary: "All runs that have not ended.", default: false }),
    grace: Flags.string({ summary: "Wait so long for their end, then have them killed.", helpValue: "TIME" }),
    force: Flags.boolean({ summary: "Kill at once.", default: false }),
  };

  override async run(): Promise<readonly OutcomeJson[]> {
    const { args, flags } = await this.parse(QueueStop);
    const repo = this.openRepo(flags);
    const graceMs = flags.grace === undefined ? undefined : parseDuration(flags.grace, "--grace");
    await using store = await openQueueIfPresent(repo);
    const request = { names: args.run ?? [], filter: toTaskFilter(flags), isAll: flags.all };
    const { ids, failed } = await findTargets(repo, store, request, [...PENDING_STATES, ...ACTIVE_STATES]);
    const ports = openStopPorts(repo, store, this.io.env);
    const stopped = await stopTasks(repo, ports, ids, { mode: flags.force ? "kill" : "graceful", graceMs });
    if (ids.length === 0 && failed.length === 0) this.log("Nothing is there to stop.");
    return printOutcomes(this, [...stopped, ...failed], STOP_WORDS);
  }
}
