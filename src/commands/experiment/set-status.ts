import { NOTE_SHAPES } from "../../kb/artifact.ts";
import { NoteStatusCommand } from "../../cli/note-commands.ts";

export default class ExperimentSetStatus extends NoteStatusCommand {
  static override summary = `Set the status of an experiment: ${NOTE_SHAPES.experiment.vocabularies["status"]?.join(", ")}.`;
  static override description = "Only the status and its date are written; every other byte of the note is kept.";
  static override examples = ["<%= config.bin %> experiment set-status E001 RUNNING"];
  readonly kind = "experiment";
}
