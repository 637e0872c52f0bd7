import * as Flags from "@oclif/core/flags";

import { type CreatedNote, createNote } from "../../app/create-note.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { createdLines, TITLE_FLAG } from "../../cli/note-commands.ts";

export default class LiteratureNew extends BaseCommand {
  static override summary = "Write a new literature note: what a source says, and what it means here.";
  static override examples = [
    '<%= config.bin %> literature new --title "On large-batch training" --url https://arxiv.org/abs/1609.04836',
    '<%= config.bin %> literature new --title "The benchmark of our field" --type BENCHMARK --relevance HIGH',
  ];
  static override flags = {
    title: TITLE_FLAG,
    type: Flags.option({
      options: ["PAPER", "BLOG", "REPO", "BENCHMARK", "SURVEY", "OTHER"] as const,
      summary: "What kind of source it is.",
      default: "PAPER",
    })(),
    relevance: Flags.option({
      options: ["HIGH", "MEDIUM", "LOW"] as const,
      summary: "How much it matters here.",
      default: "MEDIUM",
    })(),
    url: Flags.string({ summary: "Where it is to be found.", helpValue: "URL", default: "" }),
  };

  override async run(): Promise<CreatedNote> {
    const { flags } = await this.parse(LiteratureNew);
    const repo = this.openRepo(flags);
    const note = await createNote(repo, {
      kind: "literature",
      title: flags.title,
      parents: {},
      values: { SOURCE_TYPE: flags.type, RELEVANCE: flags.relevance, SOURCE_URL: flags.url },
    });
    this.log(createdLines(note));
    return note;
  }
}
