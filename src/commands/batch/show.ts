import * as Flags from "@oclif/core/flags";

import { type Batch, listBatches } from "../../app/list-batches.ts";
import { listRuns } from "../../app/list-runs.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { printRunList } from "../../cli/print-run-list.ts";
import { renderBatches } from "../../cli/render/batches.ts";
import { RUN_FILTER_FLAGS, toRunQuery } from "../../cli/run-filter-flags.ts";
import { screenOf } from "../../cli/screen.ts";
import { toRunJson } from "../../cli/render/run-json.ts";
import { toPrintable } from "../../model/exact-json.ts";

export default class BatchShow extends BaseCommand {
  static override summary =
    "Show one batch: the runs of an experiment, or those with some parameters, and how they stand.";
  static override examples = [
    "<%= config.bin %> batch show --experiment E001",
    "<%= config.bin %> batch show --experiment E001 --sp condition=baseline",
  ];
  static override aliases = ["show-batch"];
  static override flags = {
    experiment: Flags.string({ summary: "The experiment.", helpValue: "E001", required: true }),
    sp: RUN_FILTER_FLAGS.sp,
  };

  override async run(): Promise<{ batches: readonly Batch[]; runs: readonly unknown[] }> {
    const { flags } = await this.parse(BatchShow);
    const repo = this.openRepo(flags);
    const screen = screenOf(this.io, this.color, repo.clock.nowMs());
    const query = await toRunQuery(flags, screen.nowMs);
    const rows = [...listRuns(repo, query)];
    const batches = listBatches(rows);
    if (batches.length > 0) this.log(`${renderBatches(batches, screen)}\n`);
    if (!this.jsonEnabled()) printRunList({ ...repo, warn: () => {} }, { query, screen, form: "text" }, this.io.stdout);
    return { batches, runs: rows.map((row) => ({ ...toRunJson(row), statepoint: toPrintable(row.statePoint) })) };
  }
}
