import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import type { Repo } from "../../app/repo.ts";
import { resolveTaskIds } from "../../app/resolve-task.ts";
import { type RetriedRun, retryFailed, retryGroup, retryTasks } from "../../app/retry-tasks.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { type OutcomeJson, printOutcomes } from "../../cli/print-outcomes.ts";
import { isRestricted, TASK_FILTER_FLAGS, toTaskFilter } from "../../cli/task-filter-flags.ts";
import { AexpError } from "../../model/errors.ts";
import type { QueueStore } from "../../queue/queue-store.ts";
import { openQueue } from "../../wiring/open-queue.ts";

export default class QueueRetry extends BaseCommand {
  static override summary =
    "Queue runs again that failed, were stopped or taken out, with what was skipped because of them.";
  static override description =
    "Needs stay as they were, and those that are satisfied stay so. Of a group, and with --failed, only what failed is " +
    "repeated; of a group what was stopped as well.";
  static override examples = [
    "<%= config.bin %> queue retry d3a7",
    "<%= config.bin %> queue retry grp_0a1b2c3d4e5f",
    "<%= config.bin %> queue retry --failed --tag night",
  ];
  static override args = {
    run: Args.string({ description: "Job ids, unique prefixes, @last, or groups.", multiple: true }),
  };
  static override flags = {
    failed: Flags.boolean({ summary: "All runs that failed, or those of a selection.", default: false }),
    ...TASK_FILTER_FLAGS,
  };

  override async run(): Promise<readonly OutcomeJson[]> {
    const { args, flags } = await this.parse(QueueRetry);
    const names = args.run ?? [];
    const filter = toTaskFilter(flags);
    if (names.length > 0 === flags.failed || (isRestricted(filter) && !flags.failed)) throw wrongUse();
    const repo = this.openRepo(flags);
    await using store = await openQueue(repo);
    const runs = flags.failed ? await retryFailed(repo, store, filter) : await retryNamed(repo, store, names);
    if (runs.length === 0) this.log("Nothing is there to repeat.");
    return printOutcomes(this, runs, { queued: "queued again", blocked: "waits again for what it needs" });
  }
}

async function retryNamed(repo: Repo, store: QueueStore, names: readonly string[]): Promise<readonly RetriedRun[]> {
  const groups = names.filter((name) => name.startsWith("grp_"));
  const results: RetriedRun[] = [];
  for (const group of groups) results.push(...(await retryGroup(repo, store, group)));
  const runs = names.filter((name) => !groups.includes(name));
  const { ids, failed } = await resolveTaskIds(repo, store, runs);
  const done = new Set(results.map(({ run }) => run));
  const rest = ids.filter((id) => !done.has(id));
  if (rest.length > 0) results.push(...(await retryTasks(repo, store, rest)));
  return [...results, ...failed];
}

function wrongUse(): AexpError {
  return new AexpError("say which runs: either their names or groups, or --failed with or without a selection", {
    code: "cli.usage",
    hint: "For example `aexp queue retry d3a7`, or `aexp queue retry --failed --tag night`.",
  });
}
