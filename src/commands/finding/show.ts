import { NoteShowCommand } from "../../cli/note-commands.ts";

export default class FindingShow extends NoteShowCommand {
  static override summary = "Show a finding: what it says, what it hangs below and what hangs below it.";
  static override examples = ["<%= config.bin %> finding show F001"];
  readonly kinds = ["finding"] as const;
}
