import * as Flags from "@oclif/core/flags";

import { BaseCommand } from "../cli/base-command.ts";
import { confirm } from "../cli/confirm.ts";
import { EXIT } from "../cli/exit-codes.ts";
import type { CliIo } from "../cli/io.ts";
import { type HookReviewJson, renderHookReview, toHookReviewJson } from "../cli/render/hooks.ts";

export default class Trust extends BaseCommand {
  static override summary = "Agree to the hooks and policies of aexp.yaml, so that they run on this machine.";
  static override description =
    "Hooks and policies come with `git pull`, and run as you. They run only while they, and the files of this repository " +
    "that they name, are exactly what you agreed to here.";
  static override examples = [
    "<%= config.bin %> trust",
    "<%= config.bin %> trust --dry-run",
    "<%= config.bin %> trust --revoke",
  ];
  static override flags = {
    yes: Flags.boolean({ char: "y", summary: "Agree without being asked." }),
    "dry-run": Flags.boolean({ summary: "Show what there is to agree to; change nothing.", exclusive: ["yes"] }),
    revoke: Flags.boolean({ summary: "Take the agreement back.", exclusive: ["yes", "dry-run"] }),
  };

  override async run(): Promise<HookReviewJson> {
    const { flags } = await this.parse(Trust);
    const hooks = await this.openRepo(flags).openHooks();
    if (flags.revoke) {
      const wasTrusted = await hooks.revoke();
      this.log(wasTrusted ? "no hook and no policy runs on this machine any more" : "nothing was trusted");
      return toHookReviewJson(await hooks.review());
    }
    const review = await hooks.review();
    if (review.hooks.length === 0 && review.policies.length === 0) {
      this.log("aexp.yaml has no hooks and no policies");
      return toHookReviewJson(review);
    }
    this.log(renderHookReview(review));
    if (review.trust === "trusted" || flags["dry-run"]) {
      this.log(TRUST_WORDS[review.trust]);
      return toHookReviewJson(review);
    }
    if (!flags.yes && !(await confirm(this.#asker, "Run them on this machine, as you?"))) {
      this.exitCode = EXIT.failed;
      this.log("Nothing was changed.");
      return toHookReviewJson(review);
    }
    await hooks.trust(review);
    this.log("You trust them now.");
    return toHookReviewJson({ ...review, trust: "trusted" });
  }

  /** With `--json` nothing was shown, so there is nothing to ask about. */
  get #asker(): CliIo {
    return this.jsonEnabled() ? { ...this.io, stdin: undefined } : this.io;
  }
}

const TRUST_WORDS: Readonly<Record<HookReviewJson["trust"], string>> = {
  trusted: "You trust them already.",
  untrusted: "You do not trust them.",
  changed: "They are not what you trusted before.",
};
