import * as Flags from "@oclif/core/flags";

import { summarize, type SyncOutcome, syncRepo } from "../app/sync.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { renderSync } from "../cli/render/sync.ts";
import { openBranch } from "../wiring/open-branch.ts";

export default class Sync extends BaseCommand {
  static override summary = "Commit the ledger and the notes, take in what other machines pushed, and push.";
  static override description =
    "Touches .aexp/ledger, .aexp/runs-index, kb, .gitignore and .gitattributes only; what else is staged or changed " +
    "stays as it is. Entries merge by themselves; a conflict in a note stops the sync with everything committed here.";
  static override examples = [
    "<%= config.bin %> sync",
    "<%= config.bin %> sync --dry-run",
    '<%= config.bin %> sync --no-push --message "Learning rate sweep"',
  ];
  static override flags = {
    message: Flags.string({ char: "m", summary: "First line of the commit's message.", helpValue: "TEXT" }),
    "no-push": Flags.boolean({ summary: "Commit and integrate, but do not push." }),
    "dry-run": Flags.boolean({ summary: "Say what would be committed, and change nothing." }),
  };

  override async run(): Promise<SyncOutcome> {
    const { flags } = await this.parse(Sync);
    const repo = this.openRepo(flags);
    const outcome = await syncRepo(repo, openBranch(repo.root), {
      message: flags.message,
      noPush: flags["no-push"],
      dryRun: flags["dry-run"],
    });
    this.log(renderSync(outcome, { summarize, isDryRun: flags["dry-run"], isPushWanted: !flags["no-push"] }));
    return outcome;
  }
}
