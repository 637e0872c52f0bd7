import { NoteLinkCommand } from "../../cli/note-commands.ts";

export default class FindingLink extends NoteLinkCommand {
  static override summary = "Link a finding and another note both ways.";
  static override description =
    "Where one can be the parent of the other and the child names none yet, its field is set as well.";
  static override examples = ["<%= config.bin %> finding link F001 F002"];
  readonly kinds = ["finding"] as const;
}
