import * as Args from "@oclif/core/args";

import { notQueued, resolveTaskId } from "../../app/resolve-task.ts";
import { showTask } from "../../app/show-task.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { renderTaskDetails } from "../../cli/render/task-details.ts";
import { toTaskDetailsJson } from "../../cli/render/task-json.ts";
import { screenOf } from "../../cli/screen.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";

export default class QueueShow extends BaseCommand {
  static override summary =
    "Show everything that the queue knows of one run: needs, locks, attempts, what it waits for.";
  static override description = "`aexp runs show` tells the rest: parameters, metrics, code, log.";
  static override examples = ["<%= config.bin %> queue show d3a7", "<%= config.bin %> queue show @last --json"];
  static override args = { run: Args.string({ description: "Job id, a unique prefix, or @last.", required: true }) };

  override async run(): Promise<Record<string, unknown>> {
    const { args, flags } = await this.parse(QueueShow);
    const repo = this.openRepo(flags);
    await using store = await openQueueIfPresent(repo);
    const id = await resolveTaskId(repo, store, args.run);
    const details = store === undefined ? undefined : await showTask(store, id);
    if (details === undefined) throw notQueued(repo, id);
    this.log(renderTaskDetails(details, screenOf(this.io, this.color, details.nowMs)));
    return toTaskDetailsJson(details);
  }
}
