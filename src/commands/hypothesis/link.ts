import { NoteLinkCommand } from "../../cli/note-commands.ts";

export default class HypothesisLink extends NoteLinkCommand {
  static override summary = "Link a hypothesis and another note both ways.";
  static override description =
    "Where one can be the parent of the other and the child names none yet, its field is set as well.";
  static override examples = ["<%= config.bin %> hypothesis link H002 T001"];
  readonly kinds = ["hypothesis"] as const;
}
