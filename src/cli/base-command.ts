import { Command } from "@oclif/core/command";
import * as Flags from "@oclif/core/flags";

import type { Repo } from "../app/repo.ts";
import { toSafeLine } from "../model/terminal-text.ts";
import { openRepo } from "../wiring/open-repo.ts";
import { CliConfig } from "./cli-config.ts";
import { EXIT } from "./exit-codes.ts";
import type { CliIo } from "./io.ts";
import { renderError, toReportedError } from "./report-error.ts";

/** What all commands share: where the repository is, `--json`, and how errors are told. */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = {
    repo: Flags.string({
      summary: "Folder of the repository, instead of the one around the working directory.",
      helpValue: "DIR",
      env: "AEXP_REPO",
      helpGroup: "GLOBAL",
    }),
  };

  /** What the process will exit with. */
  exitCode: number = EXIT.ok;

  get io(): CliIo {
    if (this.config instanceof CliConfig) return this.config.io;
    throw new Error("a command runs only through launch()");
  }

  /** Whether stdout takes colour: a terminal does, unless NO_COLOR says no; FORCE_COLOR overrules both. */
  get color(): boolean {
    const { FORCE_COLOR: force, NO_COLOR: no } = this.io.env;
    if (force !== undefined && force !== "") return force !== "0";
    return (no === undefined || no === "") && this.io.stdout.isTTY === true;
  }

  /** Opens the repository that `--repo`, `AEXP_REPO` or the working directory names. */
  openRepo(flags: { readonly repo?: string | undefined }): Repo {
    return openRepo({
      folder: flags.repo,
      cwd: this.io.cwd,
      env: this.io.env,
      warn: (message) => this.warnLine(message),
    });
  }

  /** One line on stderr, with or without `--json`. */
  warnLine(message: string): void {
    this.io.stderr.write(`warning: ${toSafeLine(message)}\n`);
  }

  /** Prints on stdout; silent under `--json`. */
  override log(message = ""): void {
    if (!this.jsonEnabled()) this.io.stdout.write(`${message}\n`);
  }

  override logJson(json: unknown): void {
    this.io.stdout.write(`${JSON.stringify(json, null, this.io.stdout.isTTY === true ? 2 : undefined)}\n`);
  }

  override async catch(error: Error): Promise<void> {
    const reported = toReportedError(error);
    this.exitCode = reported.exitCode;
    const { exitCode: _, ...json } = reported;
    if (this.jsonEnabled()) this.logJson({ error: json });
    else this.io.stderr.write(renderError(reported));
    if (reported.code === "bug" || this.io.env["DEBUG"]?.startsWith("aexp") === true) {
      this.io.stderr.write(`${error.stack ?? ""}\n`);
    }
  }

  /** Runs the command and tells how it went. */
  async execute(): Promise<number> {
    await this._run();
    return this.exitCode;
  }
}
