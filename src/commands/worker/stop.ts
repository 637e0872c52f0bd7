import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { type StoppedWorker, stopWorkers, type WorkerStopOutcome } from "../../app/stop-workers.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import { renderStoppedWorker } from "../../cli/render/workers.ts";
import { AexpError } from "../../model/errors.ts";
import { openExecutor } from "../../wiring/open-executor.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";

export default class WorkerStop extends BaseCommand {
  static override summary = "Tell workers of this machine to end: after what they execute, or now.";
  static override description =
    "Without --now a worker starts nothing more and waits for what it executes, as long as its --drain says. With --now " +
    "what it executes is stopped and given back to the queue, which does not count as an attempt.";
  static override examples = ["<%= config.bin %> worker stop night", "<%= config.bin %> worker stop --all --now"];
  static override strict = false;
  static override args = { worker: Args.string({ description: "Ids, or unique prefixes of them." }) };
  static override flags = {
    all: Flags.boolean({ summary: "All workers.", default: false }),
    now: Flags.boolean({ summary: "Do not wait for what they execute.", default: false }),
  };

  override async run(): Promise<readonly { readonly worker_id: string; readonly outcome: WorkerStopOutcome }[]> {
    const { argv, flags } = await this.parse(WorkerStop);
    const repo = this.openRepo(flags);
    const ids = toChosen(argv.map(String), flags.all);
    await using store = await openQueueIfPresent(repo);
    const stopped = await stopWorkers(repo, store ?? NO_WORKERS, openExecutor(repo).self, { ids, isNow: flags.now });
    if (stopped.length === 0) this.log("No workers.");
    this.#report(stopped, flags.now);
    return stopped.map(({ worker, outcome }) => ({ worker_id: worker.id, outcome }));
  }

  #report(stopped: readonly StoppedWorker[], isNow: boolean): void {
    const elsewhere = stopped.filter(({ outcome }) => outcome === "elsewhere");
    for (const worker of stopped) {
      const line = renderStoppedWorker(worker, isNow);
      if (worker.outcome === "elsewhere") this.io.stderr.write(`error: ${line}\n`);
      else this.log(line);
    }
    if (elsewhere.length > 0) this.exitCode = elsewhere.length === stopped.length ? EXIT.usage : EXIT.partial;
  }
}

const NO_WORKERS = { workers: async () => [] };

function toChosen(ids: readonly string[], isAll: boolean): readonly string[] | undefined {
  if (ids.length > 0 !== isAll) return isAll ? undefined : ids;
  throw new AexpError(isAll ? "workers are named, and --all is given as well" : "no worker is named", {
    code: "cli.usage",
    hint: "Name workers, or give --all; `aexp worker list` shows them.",
  });
}
