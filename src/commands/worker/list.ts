import { listWorkers } from "../../app/list-workers.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { renderWorkers, toWorkerJson, type WorkerJson } from "../../cli/render/workers.ts";
import { screenOf } from "../../cli/screen.ts";
import { openExecutor } from "../../wiring/open-executor.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";

export default class WorkerList extends BaseCommand {
  static override summary = "List the workers, and what they execute.";
  static override description =
    "A worker of this machine whose process is gone is `dead`; what it left is settled by the next worker. One that was " +
    "not heard of for long is put in doubt.";
  static override examples = ["<%= config.bin %> worker list", "<%= config.bin %> worker list --json"];

  override async run(): Promise<readonly WorkerJson[]> {
    const { flags } = await this.parse(WorkerList);
    const repo = this.openRepo(flags);
    await using store = await openQueueIfPresent(repo);
    const rows = store === undefined ? [] : await listWorkers(repo, store, openExecutor(repo).self);
    if (rows.length === 0) this.log("No workers. `aexp worker start` starts one.");
    else this.log(renderWorkers(rows, screenOf(this.io, this.color, repo.clock.nowMs())));
    return rows.map(toWorkerJson);
  }
}
