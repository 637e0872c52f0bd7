import { NoteLinkCommand } from "../../cli/note-commands.ts";

export default class ExperimentLink extends NoteLinkCommand {
  static override summary = "Link an experiment and another note both ways.";
  static override description =
    "Where one can be the parent of the other and the child names none yet, its field is set as well.";
  static override examples = ["<%= config.bin %> experiment link E002 H003"];
  readonly kinds = ["experiment"] as const;
}
