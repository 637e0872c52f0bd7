import * as Flags from "@oclif/core/flags";

import { recoverQueue } from "../../app/recover-queue.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { PACKAGE_ROOT } from "../../cli/cli-config.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import { type QueueRecoveryJson, renderRecovery, toRecoveryJson } from "../../cli/render/queue-recovery.ts";
import { newWorkerId } from "../../cli/work-session.ts";
import { openWork } from "../../wiring/open-work.ts";

export default class QueueRecover extends BaseCommand {
  static override summary = "Settle what dead workers left, or bring the queue back from the runs' documents.";
  static override description =
    "Workers do this at their start; by hand it tells what it did. An attempt that had ended is finished from its record, " +
    "a lost one fails or is queued again as its lane says, and what still runs is left to the next worker.";
  static override examples = ["<%= config.bin %> queue recover", "<%= config.bin %> queue recover --rebuild"];
  static override flags = {
    rebuild: Flags.boolean({
      summary: "Queue runs again whose documents say that they are queued: after a lost database.",
    }),
    "foreign-dead": Flags.boolean({
      summary: "Settle attempts of other machines as well: only when you know that those machines are gone.",
    }),
  };

  override async run(): Promise<QueueRecoveryJson> {
    const { flags } = await this.parse(QueueRecover);
    const repo = this.openRepo(flags);
    const workerId = newWorkerId("recover");
    await using ports = await openWork(repo, { workerId, env: this.io.env, packageRoot: PACKAGE_ROOT });
    const recovery = await recoverQueue(repo, ports, {
      isRebuilt: flags.rebuild,
      isForeignDead: flags["foreign-dead"],
    });
    this.log(renderRecovery(recovery));
    if (recovery.outbox.failed > 0 || (recovery.rebuilt?.problems.length ?? 0) > 0) this.exitCode = EXIT.partial;
    return toRecoveryJson(recovery);
  }
}
