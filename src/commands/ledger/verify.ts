import { type LedgerVerification, verifyLedger } from "../../app/verify-ledger.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import { plural } from "../../cli/render/plural.ts";
import { toSafeLine } from "../../model/terminal-text.ts";

export default class LedgerVerify extends BaseCommand {
  static override summary = "Check every ledger entry: its schema, its name, and its id against its state point.";
  static override examples = ["<%= config.bin %> ledger verify", "<%= config.bin %> ledger verify --json"];

  override async run(): Promise<LedgerVerification> {
    const { flags } = await this.parse(LedgerVerify);
    const verification = verifyLedger(this.openRepo(flags));

    const { checked, problems } = verification;
    for (const { code, file, message } of problems) this.log(toSafeLine(`${code} ${file}: ${message}`));
    this.log(`${plural(checked, "entry", "entries")} checked, ${problems.length} with problems`);
    if (problems.length > 0) this.exitCode = EXIT.failed;
    return verification;
  }
}
