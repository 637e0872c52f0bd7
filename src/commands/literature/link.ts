import { NoteLinkCommand } from "../../cli/note-commands.ts";

export default class LiteratureLink extends NoteLinkCommand {
  static override summary = "Link a literature note and another note both ways.";
  static override description =
    "Where one can be the parent of the other and the child names none yet, its field is set as well.";
  static override examples = ["<%= config.bin %> literature link L001 H002"];
  readonly kinds = ["literature"] as const;
}
