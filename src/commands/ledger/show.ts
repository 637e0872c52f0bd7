import * as Args from "@oclif/core/args";

import { readEntry } from "../../app/list-entries.ts";
import { resolveJobId } from "../../app/resolve-run.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { toPrintable } from "../../model/exact-json.ts";
import { toSafeText } from "../../model/terminal-text.ts";

export default class LedgerShow extends BaseCommand {
  static override summary = "Show one ledger entry as it is committed.";
  static override examples = [
    "<%= config.bin %> ledger show 9f2c0c1e",
    "<%= config.bin %> ledger show 9f2c0c1e --json",
  ];
  static override args = {
    run: Args.string({ description: "Job id, a unique prefix of one, or @last.", required: true }),
  };

  override async run(): Promise<unknown> {
    const { args, flags } = await this.parse(LedgerShow);
    const repo = this.openRepo(flags);
    const { text, entry } = readEntry(repo, resolveJobId(repo, args.run));

    this.log(toSafeText(text).trimEnd());
    return toPrintable(entry);
  }
}
