import * as Flags from "@oclif/core/flags";

import { type LedgerQuery, listEntries } from "../../app/list-entries.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { renderEntryList } from "../../cli/render/entry-list.ts";

export default class LedgerList extends BaseCommand {
  static override summary = "List the ledger entries, of all machines.";
  static override examples = [
    "<%= config.bin %> ledger list",
    "<%= config.bin %> ledger list --machine cluster --status failed",
    "<%= config.bin %> ledger list --json",
  ];
  static override flags = {
    experiment: Flags.string({ summary: "Only runs of this experiment.", helpValue: "E###" }),
    status: Flags.string({
      summary: "Only runs that ended so.",
      options: ["complete", "failed", "stopped", "abandoned"],
    }),
    machine: Flags.string({ summary: "Only entries of this machine.", helpValue: "LABEL" }),
    limit: Flags.integer({ summary: "Show at most so many entries, the latest.", min: 1 }),
  };

  override async run(): Promise<unknown[]> {
    const { flags } = await this.parse(LedgerList);
    const repo = this.openRepo(flags);
    const query: LedgerQuery = flags;
    const { entries, total } = listEntries(repo, query);

    const { stdout } = this.io;
    this.log(
      renderEntryList(entries, total, {
        width: stdout.columns ?? 120,
        color: this.color,
        nowMs: repo.clock.nowMs(),
        isTTY: stdout.isTTY === true,
      }),
    );
    return entries;
  }
}
