import * as Flags from "@oclif/core/flags";

import { backfillLedger, type BackfillOutcome } from "../../app/backfill-ledger.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import { Progress } from "../../cli/progress.ts";
import { toSafeLine } from "../../model/terminal-text.ts";

export default class LedgerBackfill extends BaseCommand {
  static override summary = "Promote every finished run that has no ledger entry yet.";
  static override description =
    "Names each run that cannot be promoted and goes on with the others; exits with 3 when there were any. " +
    "Safe to interrupt: calling it again finishes the work.";
  static override examples = [
    "<%= config.bin %> ledger backfill",
    "<%= config.bin %> ledger backfill --dry-run",
    "<%= config.bin %> ledger backfill --overwrite --machine-label cluster",
  ];
  static override flags = {
    "machine-label": Flags.string({ summary: "Machine to name in the entries.", helpValue: "LABEL" }),
    overwrite: Flags.boolean({ summary: "Also promote runs that have an entry, and replace unreadable entries." }),
    "allow-local-path": Flags.boolean({ summary: "Commit texts that begin with a folder of this machine." }),
    "dry-run": Flags.boolean({ summary: "Say what would be done, and write nothing." }),
  };

  override async run(): Promise<BackfillOutcome> {
    const { flags } = await this.parse(LedgerBackfill);
    const progress = new Progress(this.io.stderr, "promoting:");
    const outcome = await backfillLedger(this.openRepo(flags), {
      machineLabel: flags["machine-label"],
      overwrite: flags.overwrite,
      allowLocalPath: flags["allow-local-path"],
      dryRun: flags["dry-run"],
      onProgress: (done, total) => progress.update(done, () => total),
    }).finally(() => progress.end());

    for (const { message } of outcome.failed) this.io.stderr.write(`error: ${toSafeLine(message)}\n`);
    const verb = flags["dry-run"] ? "would be promoted" : "promoted";
    this.log(`${outcome.promoted.length} ${verb}, ${outcome.skipped} skipped, ${outcome.failed.length} failed`);
    if (outcome.failed.length > 0) this.exitCode = EXIT.partial;
    return outcome;
  }
}
