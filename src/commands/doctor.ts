import { runDoctor } from "../app/run-doctor.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { EXIT } from "../cli/exit-codes.ts";
import { renderChecks } from "../cli/render/checks.ts";
import type { Check } from "../doctor/checks.ts";
import { openMachine } from "../wiring/open-machine.ts";
import { openQueueIfPresent } from "../wiring/open-queue.ts";

export default class Doctor extends BaseCommand {
  static override summary = "Check that this machine and this clone are set up to run, record and share.";
  static override description =
    "One line for each check: git, the install marker, the run store, the ledger, disk space, file system, clock, " +
    "queue, .gitignore and the merge driver. Exit code 1 when one is bad; warnings do not count.";
  static override examples = ["<%= config.bin %> doctor", "<%= config.bin %> doctor --json"];

  override async run(): Promise<readonly Check[]> {
    const { flags } = await this.parse(Doctor);
    const repo = this.openRepo(flags);
    const checks = await runDoctor(repo, openMachine(this.io.env), async () => openQueueIfPresent(repo));

    this.log(renderChecks(checks, { color: this.color }));
    if (checks.some(({ state }) => state === "bad")) this.exitCode = EXIT.failed;
    return checks;
  }
}
