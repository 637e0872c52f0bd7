import * as Flags from "@oclif/core/flags";

import { exportRunsIndex, type RunsIndexExport } from "../app/export-runs-index.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { toSafeLine } from "../model/terminal-text.ts";

export default class RunsExportIndex extends BaseCommand {
  static override summary = "Write the deprecated index of this machine's finished runs.";
  static override description = "Ledger entries say more and merge better: use `aexp ledger backfill` instead.";
  static override examples = [
    "<%= config.bin %> runs-export-index",
    "<%= config.bin %> runs-export-index --as cluster --out cluster.json",
  ];
  static override flags = {
    as: Flags.string({ summary: "Machine label to write, instead of this machine's.", helpValue: "LABEL" }),
    out: Flags.string({ summary: "File to write, instead of .aexp/runs-index/<label>.json.", helpValue: "FILE" }),
  };

  override async run(): Promise<RunsIndexExport> {
    const { flags } = await this.parse(RunsExportIndex);
    this.warnLine(
      "runs-export-index is deprecated and will go with the next major version; use `aexp ledger backfill`",
    );
    const outcome = await exportRunsIndex(this.openRepo(flags), { label: flags.as, out: flags.out, cwd: this.io.cwd });

    this.log(toSafeLine(`${outcome.path}: ${outcome.entries} finished runs`));
    return outcome;
  }
}
