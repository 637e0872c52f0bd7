import * as Flags from "@oclif/core/flags";

import { type InstallOutcome, installRepo } from "../app/install.ts";
import type { Repo } from "../app/repo.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { renderInstall } from "../cli/render/install.ts";
import { VERSION } from "../cli/version.ts";
import { AexpError } from "../model/errors.ts";
import { openInstaller } from "../wiring/open-installer.ts";

export default class Install extends BaseCommand {
  static override summary = "Make this repository an aexp repository.";
  static override description =
    "Writes the blocks in .gitignore and .gitattributes, folders for notes, the run store, git's merge driver and the " +
    "marker of this machine. Run it once in every clone; running it again changes nothing.";
  static override aliases = ["init"];
  static override examples = [
    "<%= config.bin %> install",
    "<%= config.bin %> install --machine-label cluster --git-hooks",
    "<%= config.bin %> install --dry-run",
  ];
  static override flags = {
    "machine-label": Flags.string({
      summary: "Name of this machine in the ledger; at first the short host name.",
      helpValue: "LABEL",
    }),
    "run-store": Flags.string({ summary: "Folder of the runs, inside the repository (.runs).", helpValue: "PATH" }),
    force: Flags.boolean({
      summary: "Write the marker anew, and move to another run store although the old has runs.",
    }),
    "dry-run": Flags.boolean({ summary: "Say what would be done, and write nothing." }),
    yes: Flags.boolean({ char: "y", summary: "Accepted for scripts; install never asks." }),
    "no-require-git": Flags.boolean({
      summary: "Install where there is no git repository; nothing can be shared then.",
    }),
    "no-kb": Flags.boolean({ summary: "Make no knowledge base: no folder kb/, and no notes in it." }),
    "git-hooks": Flags.boolean({ summary: "Validate before every push; a pre-push hook that is there runs first." }),
  };

  override async run(): Promise<InstallOutcome> {
    const { flags } = await this.parse(Install);
    const repo = this.#openHere(flags);
    const outcome = await installRepo(repo, openInstaller(repo.root), {
      version: VERSION,
      machineLabel: flags["machine-label"],
      runStorePath: flags["run-store"],
      force: flags.force,
      dryRun: flags["dry-run"],
      noRequireGit: flags["no-require-git"],
      noKb: flags["no-kb"],
      gitHooks: flags["git-hooks"],
    });
    for (const warning of outcome.warnings) this.warnLine(warning);
    this.log(renderInstall(outcome));
    return outcome;
  }

  /** Where no repository is found, the working directory is the one that is meant. */
  #openHere(flags: { readonly repo?: string | undefined }): Repo {
    try {
      return this.openRepo(flags);
    } catch (error) {
      const isNowhere = error instanceof AexpError && error.code === "repo.not_found" && flags.repo === undefined;
      if (isNowhere) return this.openRepo({ repo: this.io.cwd });
      throw error;
    }
  }
}
