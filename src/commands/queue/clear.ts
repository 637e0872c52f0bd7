import * as Flags from "@oclif/core/flags";

import { toQuery } from "../../app/list-tasks.ts";
import { removeTasks } from "../../app/remove-tasks.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { confirm } from "../../cli/confirm.ts";
import { type OutcomeJson, printOutcomes } from "../../cli/print-outcomes.ts";
import { plural } from "../../cli/render/plural.ts";
import { TASK_FILTER_FLAGS, toTaskFilter } from "../../cli/task-filter-flags.ts";
import { PENDING_STATES } from "../../queue/task.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";

export default class QueueClear extends BaseCommand {
  static override summary = "Take all runs out of the queue that have not started, or those of a selection.";
  static override description = "What is under way goes on. `aexp queue retry` puts runs back.";
  static override examples = ["<%= config.bin %> queue clear --tag night", "<%= config.bin %> queue clear --yes"];
  static override flags = {
    ...TASK_FILTER_FLAGS,
    yes: Flags.boolean({ summary: "Ask nothing." }),
  };

  override async run(): Promise<readonly OutcomeJson[]> {
    const { flags } = await this.parse(QueueClear);
    const repo = this.openRepo(flags);
    await using store = await openQueueIfPresent(repo);
    const tasks = (await store?.tasks({ ...toQuery(toTaskFilter(flags)), states: PENDING_STATES })) ?? [];
    if (store === undefined || tasks.length === 0) {
      this.log("Nothing is there to remove.");
      return [];
    }
    const what = plural(tasks.length, "run");
    if (!flags.yes && !(await confirm(this.io, `Take ${what} out of the queue?`))) {
      this.log("Nothing was changed.");
      return [];
    }
    const removed = await removeTasks(
      repo,
      store,
      tasks.map(({ id }) => id),
    );
    return printOutcomes(this, removed, { removed: "removed", ended: "has ended" });
  }
}
