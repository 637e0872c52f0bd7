import { NoteLinkCommand } from "../../cli/note-commands.ts";

export default class ReviewLink extends NoteLinkCommand {
  static override summary = "Link a review and another note both ways.";
  static override description =
    "Where one can be the parent of the other and the child names none yet, its field is set as well.";
  static override examples = ["<%= config.bin %> review link CR001 F002"];
  readonly kinds = ["challenge-review", "strategic-review"] as const;
}
