import * as Args from "@oclif/core/args";

import { NOTE_KINDS, NOTE_SHAPES } from "../kb/artifact.ts";
import { readTemplate } from "../kb/template.ts";
import { BaseCommand } from "../cli/base-command.ts";

export default class TemplateCommand extends BaseCommand {
  static override summary = "Print the template that new notes of a kind begin as.";
  static override description =
    "A file of the same name in the folder templates/ of the repository takes its place, for writing and for checking.";
  static override examples = [
    "<%= config.bin %> template experiment",
    `mkdir -p templates && <%= config.bin %> template finding > templates/${NOTE_SHAPES.finding.template}`,
  ];
  static override args = {
    kind: Args.string({ options: NOTE_KINDS, description: "Kind of note.", required: true }),
  };

  override async run(): Promise<{ kind: string; path: string | null; text: string }> {
    const { args, flags } = await this.parse(TemplateCommand);
    const kind = NOTE_KINDS.find((known) => known === args.kind) ?? "thread";
    const { text, path = null } = readTemplate(this.openRepo(flags).notes, kind);
    if (!this.jsonEnabled()) this.io.stdout.write(text);
    return { kind, path, text };
  }
}
