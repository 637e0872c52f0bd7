import { NoteListCommand } from "../../cli/note-commands.ts";

export default class ThreadList extends NoteListCommand {
  static override summary = "List threads: the open questions.";
  static override examples = ["<%= config.bin %> thread list", "<%= config.bin %> thread list --status exploring"];
  static override aliases = ["list-threads"];
  readonly kinds = ["thread"] as const;
}
