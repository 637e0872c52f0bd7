import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { type HistoryEvent, readHistory } from "../app/read-history.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { paint } from "../cli/render/paint.ts";
import { renderHistory } from "../cli/render/history.ts";
import { renderCount } from "../cli/render/value.ts";
import { screenOf } from "../cli/screen.ts";
import { openNoteHistory } from "../wiring/open-note-history.ts";

export default class History extends BaseCommand {
  static override summary = "Tell what happened to a note and to what hangs below it, as a timeline.";
  static override description =
    "From git's log and the runs: notes written, renamed and deleted, changes of status, impact, title and citations, runs that finished. What is not committed yet stands last.";
  static override examples = ["<%= config.bin %> history H001", "<%= config.bin %> history E001 --limit 10 --json"];
  static override args = {
    note: Args.string({ description: "Id of the note, or its file; also of one that was deleted.", required: true }),
  };
  static override flags = {
    limit: Flags.integer({ summary: "Only the newest so many events.", helpValue: "N", min: 1, helpGroup: "OUTPUT" }),
  };

  override async run(): Promise<readonly HistoryEvent[]> {
    const { args, flags } = await this.parse(History);
    const repo = this.openRepo(flags);
    const { events, isCut } = await readHistory(repo, openNoteHistory(repo.root), args.note);
    if (isCut) repo.warn("this clone is shallow, so that its history is cut; `git fetch --unshallow` brings the rest");
    const shown = flags.limit === undefined ? events : events.slice(-flags.limit);
    this.log(renderHistory(shown, screenOf(this.io, this.color, repo.clock.nowMs())));
    if (shown.length < events.length) {
      this.log(paint("dim", `the newest ${renderCount(shown.length)} of ${renderCount(events.length)}`, this.color));
    }
    return shown;
  }
}
