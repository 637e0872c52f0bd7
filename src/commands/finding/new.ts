import * as Flags from "@oclif/core/flags";

import { createFinding, type CreatedFinding } from "../../app/create-finding.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { createdLines, selectorFlag, TITLE_FLAG } from "../../cli/note-commands.ts";
import { plural } from "../../cli/render/plural.ts";
import { NOTE_SHAPES } from "../../kb/artifact.ts";
import { parseAssignments } from "../../run/state-point-syntax.ts";

export default class FindingNew extends BaseCommand {
  static override summary = "Write a new finding: what an experiment established, and the runs that prove it.";
  static override description =
    "Cited runs are written into supporting_runs, and a table of their results into the section Evidence. Runs that are not known here are refused before anything is written.";
  static override examples = [
    '<%= config.bin %> finding new --title "64 is slower than 32" --experiment E001 --cite-batch',
    '<%= config.bin %> finding new --title "…" --experiment E001 --cite-batch --sp batch=64 --impact HIGH',
    '<%= config.bin %> finding new --title "…" --hypothesis H001 --experiment E001 --cite 3f2a --cite @last',
  ];
  static override aliases = ["new-finding"];
  static override flags = {
    title: TITLE_FLAG,
    experiment: Flags.string({ summary: "The experiment that it comes from.", helpValue: "E001", required: true }),
    hypothesis: Flags.string({
      summary: "The hypothesis that it is about; the experiment's, when left out.",
      helpValue: "H001",
    }),
    impact: Flags.string({
      summary: `How much it matters: ${NOTE_SHAPES.finding.vocabularies["impact"]?.join(", ")}.`,
      helpValue: "WORD",
      default: "MEDIUM",
    }),
    cite: Flags.string({
      summary: "A run that supports it: its id, a unique prefix of it, or @last; repeat for more.",
      helpValue: "RUN",
      multiple: true,
    }),
    "cite-batch": Flags.boolean({ summary: "Cite the runs of the experiment, also those still to come." }),
    sp: selectorFlag("cite-batch"),
  };

  override async run(): Promise<CreatedFinding> {
    const { flags } = await this.parse(FindingNew);
    const { warnings, ...finding } = await createFinding(this.openRepo(flags), {
      title: flags.title,
      experiment: flags.experiment,
      hypothesis: flags.hypothesis,
      impact: flags.impact,
      runs: flags.cite ?? [],
      selector: flags["cite-batch"] ? parseAssignments(flags.sp ?? []) : undefined,
    });
    for (const warning of warnings) this.warnLine(warning);
    const { runs } = finding;
    this.log(`${createdLines(finding)}${runs === 0 ? "" : `\ncites ${plural(runs, "run")}`}`);
    return { ...finding, warnings };
  }
}
