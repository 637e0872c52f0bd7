import { NoteListCommand } from "../../cli/note-commands.ts";

export default class LiteratureList extends NoteListCommand {
  static override summary = "List literature notes.";
  static override examples = [
    "<%= config.bin %> literature list",
    "<%= config.bin %> literature list --tag optimizers",
  ];
  readonly kinds = ["literature"] as const;
}
