import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { citeRuns } from "../../app/cite-runs.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { NOTE_ARG, selectorFlag } from "../../cli/note-commands.ts";
import { type CitedFindingJson, citedLine, toCitedJson } from "../../cli/render/cited-finding.ts";
import { AexpError } from "../../model/errors.ts";

export default class FindingCite extends BaseCommand {
  static override summary = "Cite the runs that a finding rests on, and show their results in it.";
  static override description =
    "The runs are added to supporting_runs, and a table of all cited runs is kept in the section Evidence. " +
    "Every other byte of the note is kept. Runs that are not known here are refused before anything is written.";
  static override examples = [
    "<%= config.bin %> finding cite F001 4f2a 81bc",
    "<%= config.bin %> finding cite F001 @last",
    "<%= config.bin %> finding cite F001 --batch",
    "<%= config.bin %> finding cite F001 --batch --sp lr=0.1",
  ];
  static override args = {
    finding: NOTE_ARG,
    run: Args.string({ description: "Job id, a unique prefix of one, or @last.", multiple: true }),
  };
  static override flags = {
    batch: Flags.boolean({ summary: "Cite the runs of the finding's experiment, also those still to come." }),
    sp: selectorFlag("batch"),
  };

  override async run(): Promise<CitedFindingJson> {
    const { args, flags } = await this.parse(FindingCite);
    const runs = args.run ?? [];
    if (runs.length === 0 && !flags.batch) {
      throw new AexpError("no run to cite was named", {
        code: "cli.usage",
        hint: "Name runs by id, or cite those of the finding's experiment with --batch.",
      });
    }
    const { parseAssignments } = await import("../../run/state-point-syntax.ts");
    const selector = flags.batch ? parseAssignments(flags.sp ?? []) : undefined;
    const cited = await citeRuns(this.openRepo(flags), args.finding, { runs, selector });
    for (const warning of cited.warnings) this.warnLine(warning);
    this.log(citedLine(cited));
    return toCitedJson(cited);
  }
}
