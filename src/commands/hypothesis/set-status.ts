import { NOTE_SHAPES } from "../../kb/artifact.ts";
import { NoteStatusCommand } from "../../cli/note-commands.ts";

export default class HypothesisSetStatus extends NoteStatusCommand {
  static override summary = `Set the status of a hypothesis: ${NOTE_SHAPES.hypothesis.vocabularies["status"]?.join(", ")}.`;
  static override description = "Only the status and its date are written; every other byte of the note is kept.";
  static override examples = ["<%= config.bin %> hypothesis set-status H001 TESTING"];
  readonly kind = "hypothesis";
}
