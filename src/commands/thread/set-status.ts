import { NOTE_SHAPES } from "../../kb/artifact.ts";
import { NoteStatusCommand } from "../../cli/note-commands.ts";

export default class ThreadSetStatus extends NoteStatusCommand {
  static override summary = `Set the status of a thread: ${NOTE_SHAPES.thread.vocabularies["status"]?.join(", ")}.`;
  static override description = "Only the status and its date are written; every other byte of the note is kept.";
  static override examples = ["<%= config.bin %> thread set-status T001 EXPLORING"];
  readonly kind = "thread";
}
