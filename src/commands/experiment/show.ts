import { NoteShowCommand } from "../../cli/note-commands.ts";

export default class ExperimentShow extends NoteShowCommand {
  static override summary =
    "Show an experiment: what it says, what it hangs below and what hangs below it, and its runs by condition.";
  static override examples = ["<%= config.bin %> experiment show E001"];
  readonly kinds = ["experiment"] as const;
}
