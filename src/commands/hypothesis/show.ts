import { NoteShowCommand } from "../../cli/note-commands.ts";

export default class HypothesisShow extends NoteShowCommand {
  static override summary = "Show a hypothesis: what it says, what it hangs below and what hangs below it.";
  static override examples = ["<%= config.bin %> hypothesis show H001"];
  readonly kinds = ["hypothesis"] as const;
}
