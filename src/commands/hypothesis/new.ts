import * as Flags from "@oclif/core/flags";

import { type CreatedNote, createNote } from "../../app/create-note.ts";
import { findNote } from "../../app/find-note.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { createdLines, TITLE_FLAG } from "../../cli/note-commands.ts";

export default class HypothesisNew extends BaseCommand {
  static override summary = "Write a new hypothesis: a claim that experiments can prove wrong.";
  static override examples = [
    '<%= config.bin %> hypothesis new --title "Larger batches converge slower"',
    '<%= config.bin %> hypothesis new --title "Warm-up removes the gap" --thread T001',
  ];
  static override aliases = ["new-hypothesis"];
  static override flags = {
    title: TITLE_FLAG,
    thread: Flags.string({ summary: "The thread that it comes from.", helpValue: "T001" }),
  };

  override async run(): Promise<CreatedNote> {
    const { flags } = await this.parse(HypothesisNew);
    const repo = this.openRepo(flags);
    const thread = flags.thread === undefined ? undefined : await findNote(repo, flags.thread, ["thread"]);
    const note = await createNote(repo, {
      kind: "hypothesis",
      title: flags.title,
      parents: thread === undefined ? {} : { thread },
      values: { THREAD_ID: thread?.id ?? "" },
    });
    this.log(createdLines(note));
    return note;
  }
}
