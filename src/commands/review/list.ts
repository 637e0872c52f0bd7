import { NoteListCommand } from "../../cli/note-commands.ts";

export default class ReviewList extends NoteListCommand {
  static override summary = "List challenge and strategic reviews.";
  static override examples = ["<%= config.bin %> review list", "<%= config.bin %> review list --parent H001"];
  readonly kinds = ["challenge-review", "strategic-review"] as const;
}
