import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { promoteRuns, type PromotedRun } from "../../app/promote-run.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import { toSafeLine } from "../../model/terminal-text.ts";

export default class LedgerPromote extends BaseCommand {
  static override summary = "Write the ledger entries of finished runs.";
  static override description =
    "A finished run is promoted when it ends; use this after its document was changed by hand, or when that failed. " +
    "Promoting the same run again changes nothing.";
  static override examples = [
    "<%= config.bin %> ledger promote 9f2c0c1e",
    "<%= config.bin %> ledger promote @last --machine-label cluster",
  ];
  static override args = {
    run: Args.string({ description: "Job id, a unique prefix of one, or @last.", required: true, multiple: true }),
  };
  static override flags = {
    "machine-label": Flags.string({ summary: "Machine to name in the entries.", helpValue: "LABEL" }),
    "allow-local-path": Flags.boolean({ summary: "Commit texts that begin with a folder of this machine." }),
  };

  override async run(): Promise<PromotedRun[]> {
    const { args, flags } = await this.parse(LedgerPromote);
    const runs = await promoteRuns(this.openRepo(flags), args.run, {
      machineLabel: flags["machine-label"],
      allowLocalPath: flags["allow-local-path"],
    });

    for (const run of runs) {
      if (run.outcome !== "failed") this.log(`${run.run} ${run.outcome}`);
      else this.io.stderr.write(`error: ${toSafeLine(run.message ?? run.run)}\n`);
    }
    const failed = runs.filter((run) => run.outcome === "failed").length;
    if (failed > 0) this.exitCode = failed === runs.length ? EXIT.usage : EXIT.partial;
    return runs;
  }
}
