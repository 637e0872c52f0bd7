import { NoteListCommand } from "../../cli/note-commands.ts";

export default class ExperimentList extends NoteListCommand {
  static override summary = "List experiments, with their runs counted by status.";
  static override examples = ["<%= config.bin %> experiment list", "<%= config.bin %> experiment list --parent H001"];
  readonly kinds = ["experiment"] as const;
}
