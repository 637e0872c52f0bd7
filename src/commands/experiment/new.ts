import * as Flags from "@oclif/core/flags";

import { type CreatedNote, createNote } from "../../app/create-note.ts";
import { findNote } from "../../app/find-note.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { createdLines, TITLE_FLAG } from "../../cli/note-commands.ts";

export default class ExperimentNew extends BaseCommand {
  static override summary = "Write a new experiment: how a hypothesis is put to the test.";
  static override examples = ['<%= config.bin %> experiment new --title "Batch size sweep" --hypothesis H001'];
  static override aliases = ["new-experiment"];
  static override flags = {
    title: TITLE_FLAG,
    hypothesis: Flags.string({ summary: "The hypothesis that it tests.", helpValue: "H001", required: true }),
  };

  override async run(): Promise<CreatedNote> {
    const { flags } = await this.parse(ExperimentNew);
    const repo = this.openRepo(flags);
    const hypothesis = await findNote(repo, flags.hypothesis, ["hypothesis"]);
    const note = await createNote(repo, {
      kind: "experiment",
      title: flags.title,
      parents: { hypothesis },
      values: { HYPOTHESIS_ID: hypothesis.id },
    });
    this.log(createdLines(note));
    return note;
  }
}
