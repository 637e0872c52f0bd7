import * as Flags from "@oclif/core/flags";

import { listTasks, type TaskFilter } from "../../app/list-tasks.ts";
import type { Repo } from "../../app/repo.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { LIST_FLAGS } from "../../cli/list-flags.ts";
import { printTaskList, type TaskListRequest } from "../../cli/print-task-list.ts";
import { type Screen, screenOf } from "../../cli/screen.ts";
import { parseTaskColumns } from "../../cli/task-columns.ts";
import { parseStates, TASK_FILTER_FLAGS, toTaskFilter } from "../../cli/task-filter-flags.ts";
import { untilInterrupted } from "../../cli/until-interrupted.ts";
import { watchTasks } from "../../cli/watch-tasks.ts";
import { openQueue, openQueueIfPresent } from "../../wiring/open-queue.ts";

const LATELY_ENDED = 5;

export default class QueueList extends BaseCommand {
  static override summary = "List the queue: what is under way, what waits and for what, and what ended lately.";
  static override description =
    "A column is one of those that --columns names, or a parameter as sp.KEY. Ended runs beyond the last five are shown " +
    "with --all, or when --state names their state.";
  static override examples = [
    "<%= config.bin %> queue list --watch",
    "<%= config.bin %> queue list --state failed --tag night --columns id,sp.lr,attempt,reason",
    "<%= config.bin %> queue list --all --csv",
  ];
  static override flags = {
    all: Flags.boolean({ summary: "All runs, ended ones too.", helpGroup: "FILTER" }),
    state: Flags.string({
      summary: "Only runs in this state; repeat for several.",
      helpValue: "STATE",
      multiple: true,
      multipleNonGreedy: true,
      helpGroup: "FILTER",
    }),
    ...TASK_FILTER_FLAGS,
    ...LIST_FLAGS,
    columns: Flags.string({
      summary: "Columns to show, separated by commas.",
      helpValue: "A,B",
      helpGroup: "OUTPUT",
    }),
    watch: Flags.boolean({
      summary: "Go on until Ctrl-C: drawn anew every second on a terminal, else a line for each change.",
      exclusive: ["json", "ndjson", "csv"],
      helpGroup: "OUTPUT",
    }),
  };

  override async run(): Promise<void> {
    const { flags } = await this.parse(QueueList);
    const repo = this.openRepo(flags);
    const filter = { ...toTaskFilter(flags), states: flags.state === undefined ? undefined : parseStates(flags.state) };
    // A wrong column is told before anything is read.
    for (const columns of [flags.columns, flags.sort?.replace(/^-/, "")]) {
      if (columns !== undefined) parseTaskColumns(columns);
    }
    const form = this.jsonEnabled() ? "json" : flags.ndjson ? "ndjson" : flags.csv ? "csv" : "text";
    const { columns, sort } = flags;
    const limit = flags.limit ?? (flags.all ? Infinity : undefined);
    const screen = screenOf(this.io, this.color, repo.clock.nowMs());
    const request: TaskListRequest = { screen, form, columns, sort, limit };
    const maxEnded = flags.all || form !== "text" ? Infinity : LATELY_ENDED;
    if (flags.watch) return await this.#watch(repo, filter, maxEnded, request);
    await using store = await openQueueIfPresent(repo);
    const list = store === undefined ? EMPTY : await listTasks(store, filter, maxEnded);
    printTaskList(repo, list, request, this.io.stdout);
  }

  async #watch(repo: Repo, filter: TaskFilter, maxEnded: number, request: TaskListRequest): Promise<void> {
    await using store = await openQueue(repo);
    const { stdout } = this.io;
    const screen = (): Screen => screenOf(this.io, this.color, repo.clock.nowMs());
    await untilInterrupted(stdout, async (signal) =>
      watchTasks(repo, {
        read: async () => listTasks(store, filter, maxEnded),
        request,
        screen,
        output: stdout,
        signal,
      }),
    );
  }
}

const EMPTY = { rows: [], endedLeftOut: 0, nowMs: 0 };
