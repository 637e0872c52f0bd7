import { NoteShowCommand } from "../../cli/note-commands.ts";

export default class ThreadShow extends NoteShowCommand {
  static override summary = "Show a thread: what it says, what it hangs below and what hangs below it.";
  static override examples = ["<%= config.bin %> thread show T001"];
  static override aliases = ["show-thread"];
  readonly kinds = ["thread"] as const;
}
