import * as Args from "@oclif/core/args";

import { type RenumberedNote, renumberNote } from "../app/renumber-note.ts";
import { BaseCommand } from "../cli/base-command.ts";

export default class Renumber extends BaseCommand {
  static override summary = "Give one of two notes with the same id a new one, and rewrite what refers to it.";
  static override description =
    "Two clones can write a note with the same id before they meet. What cannot be decided, because it may mean either note, is named and left to you.";
  static override examples = ["<%= config.bin %> renumber H001 kb/research/hypotheses/H001-warm-up.md"];
  static override args = {
    id: Args.string({ description: "The id that two notes have.", required: true }),
    file: Args.string({ description: "The note that gets a new id.", required: true }),
  };

  override async run(): Promise<RenumberedNote> {
    const { args, flags } = await this.parse(Renumber);
    const result = await renumberNote(this.openRepo(flags), args.id, args.file);
    this.log(`${result.path} is ${result.new_path} now.`);
    for (const path of result.changed) this.log(`rewrote references in ${path}`);
    for (const { path, line } of result.unclear) {
      this.warnLine(`${path}:${line} names ${result.id}, which may mean either note; it was left as it is`);
    }
    if (result.runs > 0) {
      this.warnLine(
        `${result.runs === 1 ? "1 run is" : `${result.runs} runs are`} linked to ${result.id} and left so; \`aexp runs link RUN --experiment ${result.new_id}\` moves one`,
      );
    }
    return result;
  }
}
