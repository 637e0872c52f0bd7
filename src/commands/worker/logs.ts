import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { readWorkerLog, resolveLoggedWorker } from "../../app/read-worker-log.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { Relay } from "../../cli/io.ts";
import { toSafeText } from "../../model/terminal-text.ts";
import { openExecutor } from "../../wiring/open-executor.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";
import { openWorkerLogs } from "../../wiring/open-worker-logs.ts";

export default class WorkerLogs extends BaseCommand {
  static override summary = "Print what a worker in the background has printed.";
  static override description = "The logs of the last workers are kept when they have ended.";
  static override examples = ["<%= config.bin %> worker logs night --follow"];
  static override args = { worker: Args.string({ description: "Id, or a unique prefix of one.", required: true }) };
  static override flags = {
    follow: Flags.boolean({ char: "f", summary: "Go on as the log grows, until the worker has ended." }),
  };

  override async run(): Promise<{ worker_id: string; path: string; text: string }> {
    const { args, flags } = await this.parse(WorkerLogs);
    const repo = this.openRepo(flags);
    const logs = openWorkerLogs(repo);
    await using store = await openQueueIfPresent(repo);
    const workerId = await resolveLoggedWorker(logs, store, args.worker);
    const following = flags.follow && store !== undefined ? { store, self: openExecutor(repo).self } : undefined;
    const decoder = new TextDecoder();
    using relay = new Relay(this.io.stdout);
    let text = "";
    for await (const bytes of readWorkerLog(repo, logs, workerId, following)) {
      const part = decoder.decode(bytes, { stream: true });
      if (this.jsonEnabled()) text += part;
      else await relay.write(this.io.stdout.isTTY === true ? Buffer.from(toSafeText(part)) : bytes);
      if (relay.isGone) break;
    }
    return { worker_id: workerId, path: logs.pathOf(workerId), text };
  }
}
