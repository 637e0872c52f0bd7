import * as Flags from "@oclif/core/flags";

import { checkSlurm } from "../app/check-slurm.ts";
import { runDoctor } from "../app/run-doctor.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { EXIT } from "../cli/exit-codes.ts";
import { renderChecks } from "../cli/render/checks.ts";
import type { Repo } from "../app/repo.ts";
import type { Check } from "../doctor/checks.ts";
import { messageOf } from "../model/errors.ts";
import { PACKAGE_ROOT } from "../cli/cli-config.ts";
import { openBatch } from "../wiring/open-batch.ts";
import { openMachine } from "../wiring/open-machine.ts";
import { inspectQueueServer, openQueueIfPresent } from "../wiring/open-queue.ts";

export default class Doctor extends BaseCommand {
  static override summary = "Check that this machine and this clone are set up to run, record and share.";
  static override description =
    "One line for each check: git, the install marker, the run store, the ledger, disk space, file system, clock, " +
    "queue, .gitignore and the merge driver; the PostgreSQL server where the queue is shared, and SLURM where a lane is " +
    "SLURM's. Exit code 1 when one is bad; warnings do not count.";
  static override examples = ["<%= config.bin %> doctor", "<%= config.bin %> doctor --json"];

  static override flags = {
    "slurm-job": Flags.boolean({ summary: "Have a job of a minute look whether nodes see what runs need." }),
  };

  override async run(): Promise<readonly Check[]> {
    const { flags } = await this.parse(Doctor);
    const repo = this.openRepo(flags);
    const machine = openMachine(this.io.env);
    const ports = {
      inspectServer: async () => inspectQueueServer(repo),
      openQueue: async () => openQueueIfPresent(repo),
    };
    const general = await runDoctor(repo, machine, ports);
    // What is bad about the server has been said, and to ask it again takes long.
    const isReachable = !general.some(({ name, state }) => name.startsWith("postgres") && state === "bad");
    const checks = [...general, ...(await this.#askSlurm(repo, flags, isReachable))];

    this.log(renderChecks(checks, { color: this.color }));
    if (checks.some(({ state }) => state === "bad")) this.exitCode = EXIT.failed;
    return checks;
  }

  async #askSlurm(
    repo: Repo,
    flags: { readonly "slurm-job": boolean },
    isReachable: boolean,
  ): Promise<readonly Check[]> {
    try {
      await using store = isReachable ? await openQueueIfPresent(repo) : undefined;
      const batch = openBatch(repo, { env: this.io.env, packageRoot: PACKAGE_ROOT });
      return await checkSlurm(repo, { batch, store }, flags["slurm-job"]);
    } catch (error) {
      return [{ name: "queue", state: "bad", message: messageOf(error) }];
    }
  }
}
