import { NoteShowCommand } from "../../cli/note-commands.ts";

export default class LiteratureShow extends NoteShowCommand {
  static override summary = "Show a literature note: what it says, what it hangs below and what hangs below it.";
  static override examples = ["<%= config.bin %> literature show L001"];
  readonly kinds = ["literature"] as const;
}
