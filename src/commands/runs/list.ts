import { readWaiting } from "../../app/queue-situation.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { LIST_FLAGS } from "../../cli/list-flags.ts";
import { printRunList } from "../../cli/print-run-list.ts";
import { Progress } from "../../cli/progress.ts";
import { RUN_FILTER_FLAGS, toRunQuery } from "../../cli/run-filter-flags.ts";
import { screenOf } from "../../cli/screen.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";

export default class RunsList extends BaseCommand {
  static override summary = "List runs, newest first: those of this machine and those that the ledger knows.";
  static override description =
    "A run that is in both places is one line, with the facts of this machine. Columns are what the runs differ in, " +
    "unless --columns names them: `loss`, `min loss`, `min loss step as best`, `sp.lr`, `doc.host.name`. " +
    "docs/screens.md tells more.";
  static override examples = [
    "<%= config.bin %> runs list --experiment E001 --status failed",
    "<%= config.bin %> runs list --sp lr=0.1 --columns 'id,sp.seed,min loss,min loss step as at' --sort 'min loss'",
    `<%= config.bin %> runs list --filter '{"sp.lr": {"$lt": 0.1}}' --since 2d --csv`,
  ];
  static override aliases = ["list-runs", "ls"];
  static override flags = { ...RUN_FILTER_FLAGS, ...LIST_FLAGS };

  override async run(): Promise<void> {
    const { flags } = await this.parse(RunsList);
    const repo = this.openRepo(flags);
    const screen = screenOf(this.io, this.color, repo.clock.nowMs());
    const query = await toRunQuery(flags, screen.nowMs);
    const form = this.jsonEnabled() ? "json" : flags.ndjson ? "ndjson" : flags.csv ? "csv" : "text";
    await using store = form === "text" ? await openQueueIfPresent(repo) : undefined;
    const waiting = store === undefined ? undefined : await readWaiting(store);
    const progress = new Progress(this.io.stderr, "reading runs:");
    printRunList(repo, { query, screen, form, progress, waiting, ...flags }, this.io.stdout);
  }
}
