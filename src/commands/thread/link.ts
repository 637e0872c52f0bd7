import { NoteLinkCommand } from "../../cli/note-commands.ts";

export default class ThreadLink extends NoteLinkCommand {
  static override summary = "Link a thread and another note both ways.";
  static override description =
    "Where one can be the parent of the other and the child names none yet, its field is set as well.";
  static override examples = ["<%= config.bin %> thread link T001 H002"];
  readonly kinds = ["thread"] as const;
}
