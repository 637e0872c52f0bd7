import * as Flags from "@oclif/core/flags";

import { createReview } from "../../app/create-review.ts";
import type { CreatedNote } from "../../app/create-note.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { createdLines } from "../../cli/note-commands.ts";

export default class ReviewNew extends BaseCommand {
  static override summary = "Write a new review: a challenge to a claim, or a strategic one that follows a challenge.";
  static override description =
    "With --target a challenge review (CR001) of a note or of anything else; with --challenge-review a strategic review (SR001).";
  static override examples = [
    '<%= config.bin %> review new --target F001 --reviewer "Grace Hopper" --requested-by Ada',
    '<%= config.bin %> review new --target "the choice of the data set" --reviewer Grace',
    '<%= config.bin %> review new --challenge-review CR001 --scope "Batch size work of 2026"',
  ];
  static override flags = {
    target: Flags.string({
      summary: "What is challenged: the id of a note, or words for anything else.",
      helpValue: "ID|TEXT",
      exactlyOne: ["target", "challenge-review"],
    }),
    reviewer: Flags.string({ summary: "Who reviews.", helpValue: "NAME", dependsOn: ["target"] }),
    "requested-by": Flags.string({ summary: "Who asked for it.", helpValue: "NAME", dependsOn: ["target"] }),
    "challenge-review": Flags.string({ summary: "The challenge that it answers.", helpValue: "CR001" }),
    scope: Flags.string({ summary: "What it covers.", helpValue: "TEXT", dependsOn: ["challenge-review"] }),
  };

  override async run(): Promise<CreatedNote> {
    const { flags } = await this.parse(ReviewNew);
    const note = await createReview(this.openRepo(flags), {
      target: flags.target,
      reviewer: flags.reviewer,
      requestedBy: flags["requested-by"],
      challengeReviewId: flags["challenge-review"],
      scope: flags.scope,
    });
    this.log(createdLines(note));
    return note;
  }
}
