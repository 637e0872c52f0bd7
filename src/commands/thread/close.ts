import * as Flags from "@oclif/core/flags";

import { findNote } from "../../app/find-note.ts";
import { setNoteStatus, type StatusChange } from "../../app/set-note-status.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { NOTE_ARG, statusLine } from "../../cli/note-commands.ts";

export default class ThreadClose extends BaseCommand {
  static override summary = "Close a thread, and write down why.";
  static override description = "Sets status and last_updated, and the text of the section ## Conclusion.";
  static override examples = [
    '<%= config.bin %> thread close T001 --conclusion "Out of scope: no data before 2027."',
    '<%= config.bin %> thread close T001 --promoted --conclusion "Carried on by H001 and H002."',
  ];
  static override aliases = ["close-thread"];
  static override args = { note: NOTE_ARG };
  static override flags = {
    promoted: Flags.boolean({ summary: "The thread led to hypotheses: its status becomes PROMOTED, not CLOSED." }),
    conclusion: Flags.string({ summary: "The new text of the section ## Conclusion.", helpValue: "TEXT" }),
  };

  override async run(): Promise<StatusChange> {
    const { args, flags } = await this.parse(ThreadClose);
    const repo = this.openRepo(flags);
    const thread = await findNote(repo, args.note, ["thread"]);
    const { conclusion } = flags;
    const change = await setNoteStatus(repo, thread, flags.promoted ? "PROMOTED" : "CLOSED", { conclusion });
    this.log(statusLine(change));
    return change;
  }
}
