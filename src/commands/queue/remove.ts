import * as Args from "@oclif/core/args";

import { removeTasks } from "../../app/remove-tasks.ts";
import { resolveTaskIds } from "../../app/resolve-task.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { type OutcomeJson, printOutcomes } from "../../cli/print-outcomes.ts";
import { openQueue } from "../../wiring/open-queue.ts";

export default class QueueRemove extends BaseCommand {
  static override summary = "Take runs out of the queue that have not started. They become abandoned.";
  static override description = "What needs them is skipped. `aexp queue retry` puts them back.";
  static override examples = ["<%= config.bin %> queue remove d3a7 9f2c"];
  static override args = {
    run: Args.string({ description: "Job ids, unique prefixes, or @last.", required: true, multiple: true }),
  };

  override async run(): Promise<readonly OutcomeJson[]> {
    const { args, flags } = await this.parse(QueueRemove);
    const repo = this.openRepo(flags);
    await using store = await openQueue(repo);
    const { ids, failed } = await resolveTaskIds(repo, store, args.run);
    const removed = ids.length === 0 ? [] : await removeTasks(repo, store, ids);
    return printOutcomes(this, [...removed, ...failed], { removed: "removed", ended: "has ended" });
  }
}
