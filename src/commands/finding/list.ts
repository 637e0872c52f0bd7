import { NoteListCommand } from "../../cli/note-commands.ts";

export default class FindingList extends NoteListCommand {
  static override summary = "List findings: what is claimed.";
  static override examples = [
    "<%= config.bin %> finding list",
    "<%= config.bin %> finding list --status high --parent E001",
  ];
  readonly kinds = ["finding"] as const;
}
