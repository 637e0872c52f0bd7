import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { resolveJobId } from "../../app/resolve-run.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { PACKAGE_ROOT } from "../../cli/cli-config.ts";
import { executeOne, type RunOneJson } from "../../cli/execute-one.ts";
import { newWorkerId, toSessionOptions } from "../../cli/work-session.ts";
import { openWork } from "../../wiring/open-work.ts";

export default class QueueRunOne extends BaseCommand {
  static override summary = "Execute one queued run here.";
  static override description =
    "It is claimed, so that nobody else executes it. Its output is shown and kept, and its exit code is aexp's. Ctrl-C " +
    "stops it; another signal gives it back to the queue. A run that has ended is left alone, with exit code 0.";
  static override examples = ["<%= config.bin %> queue run-one d3a7", "<%= config.bin %> run-queued d3a7 --force"];
  static override aliases = ["run-queued"];
  static override args = { run: Args.string({ description: "Job id, a unique prefix, or @last.", required: true }) };
  static override flags = {
    force: Flags.boolean({ summary: "Execute a run that has ended again, as a new attempt." }),
  };

  override async run(): Promise<RunOneJson> {
    const { args, flags } = await this.parse(QueueRunOne);
    const repo = this.openRepo(flags);
    const id = resolveJobId(repo, args.run);
    const workerId = newWorkerId("run");
    const session = await toSessionOptions(repo, workerId, { env: this.io.env, observe: () => undefined });
    await using ports = await openWork(repo, { workerId, env: this.io.env, packageRoot: PACKAGE_ROOT });
    return await executeOne(this, { repo, ports, id, session, isForced: flags.force });
  }
}
