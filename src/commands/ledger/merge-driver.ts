import * as Args from "@oclif/core/args";

import { mergeEntryFiles } from "../../app/merge-entry-files.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import { openTextFiles } from "../../wiring/open-text-files.ts";

export default class LedgerMergeDriver extends BaseCommand {
  static override summary = "Merge two versions of a ledger entry; git calls this.";
  static override description =
    "`aexp install` configures it as `merge.aexp-ledger.driver`. The result replaces the file OURS. Exits with 1 when " +
    "neither side is an entry, so that git reports a conflict.";
  static override examples = [
    "<%= config.bin %> ledger merge-driver %O %A %B %P",
    "<%= config.bin %> ledger merge-driver base.json ours.json theirs.json .aexp/ledger/9f2c….json",
  ];
  static override args = {
    base: Args.string({ description: "File with the common ancestor (%O).", required: true }),
    ours: Args.string({ description: "File with our version (%A); gets the result.", required: true }),
    theirs: Args.string({ description: "File with their version (%B).", required: true }),
    path: Args.string({ description: "Path of the entry in the repository (%P)." }),
  };

  override async run(): Promise<{ readonly merged: boolean }> {
    const { args } = await this.parse(LedgerMergeDriver);
    const merged = await mergeEntryFiles(openTextFiles(this.io.cwd), args);
    if (!merged) this.exitCode = EXIT.failed;
    return { merged };
  }
}
