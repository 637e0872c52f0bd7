import { type Batch, listBatches } from "../../app/list-batches.ts";
import { listRuns } from "../../app/list-runs.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { renderBatches } from "../../cli/render/batches.ts";
import { RUN_FILTER_FLAGS } from "../../cli/run-filter-flags.ts";
import { screenOf } from "../../cli/screen.ts";

export default class BatchList extends BaseCommand {
  static override summary = "List batches: the runs of each experiment and condition, counted by status.";
  static override examples = [
    "<%= config.bin %> batch list",
    "<%= config.bin %> batch list --experiment E001",
    "<%= config.bin %> batch list --json",
  ];
  static override aliases = ["list-batches"];
  static override flags = { experiment: RUN_FILTER_FLAGS.experiment };

  override async run(): Promise<readonly Batch[]> {
    const { flags } = await this.parse(BatchList);
    const repo = this.openRepo(flags);
    const batches = listBatches(listRuns(repo, { experiment: flags.experiment }));
    const isEmpty = batches.length === 0;
    this.log(
      isEmpty
        ? "No batches: no run names an experiment. `aexp runs link ID --experiment E001` gives one to a run."
        : renderBatches(batches, screenOf(this.io, this.color, repo.clock.nowMs())),
    );
    return batches;
  }
}
