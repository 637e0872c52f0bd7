import { type CreatedNote, createNote } from "../../app/create-note.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { createdLines, TITLE_FLAG } from "../../cli/note-commands.ts";

export default class ThreadNew extends BaseCommand {
  static override summary = "Write a new thread: an open question that hypotheses will come from.";
  static override examples = ['<%= config.bin %> thread new --title "What limits the speed of training?"'];
  static override aliases = ["new-thread"];
  static override flags = { title: TITLE_FLAG };

  override async run(): Promise<CreatedNote> {
    const { flags } = await this.parse(ThreadNew);
    const repo = this.openRepo(flags);
    const note = await createNote(repo, { kind: "thread", title: flags.title, parents: {}, values: {} });
    this.log(createdLines(note));
    return note;
  }
}
