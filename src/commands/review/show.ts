import { NoteShowCommand } from "../../cli/note-commands.ts";

export default class ReviewShow extends NoteShowCommand {
  static override summary = "Show a review: what it says, what it hangs below and what hangs below it.";
  static override examples = ["<%= config.bin %> review show CR001"];
  readonly kinds = ["challenge-review", "strategic-review"] as const;
}
