import { NoteListCommand } from "../../cli/note-commands.ts";

export default class HypothesisList extends NoteListCommand {
  static override summary = "List hypotheses, and how they stand.";
  static override examples = [
    "<%= config.bin %> hypothesis list",
    "<%= config.bin %> hypothesis list --parent T001 --status testing",
  ];
  readonly kinds = ["hypothesis"] as const;
}
