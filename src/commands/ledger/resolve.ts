import { type ResolvedLedger, resolveLedger } from "../../app/resolve-ledger.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { openBranch } from "../../wiring/open-branch.ts";

export default class LedgerResolve extends BaseCommand {
  static override summary = "Merge the ledger entries that git has left in conflict.";
  static override description =
    "Both sides are read from git's index, and both outcomes are kept. Go on with `git merge --continue` or " +
    "`git rebase --continue` afterwards.";
  static override examples = ["<%= config.bin %> ledger resolve", "<%= config.bin %> ledger resolve --json"];

  override async run(): Promise<ResolvedLedger> {
    const { flags } = await this.parse(LedgerResolve);
    const repo = this.openRepo(flags);
    const outcome = await resolveLedger(repo, openBranch(repo.root));
    for (const jobId of outcome.resolved) this.log(`merged ${jobId}`);
    for (const { file, problem } of outcome.unresolved) {
      this.io.stderr.write(`error: ${toSafeLine(file)}: ${problem}\n`);
    }
    if (outcome.resolved.length + outcome.unresolved.length === 0) this.log("no entry is in conflict");
    if (outcome.unresolved.length > 0) this.exitCode = EXIT.failed;
    return outcome;
  }
}
