import { applyLanes } from "../../app/apply-lanes.ts";
import { listLanes } from "../../app/list-lanes.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { type LaneRowJson, renderLanes, toLaneRowJson } from "../../cli/render/lanes.ts";
import { screenOf } from "../../cli/screen.ts";
import { openQueue } from "../../wiring/open-queue.ts";

export default class LaneList extends BaseCommand {
  static override summary = "List the lanes, their limits, and how many runs are in them.";
  static override examples = ["<%= config.bin %> lane list", "<%= config.bin %> lane list --json"];

  override async run(): Promise<readonly LaneRowJson[]> {
    const { flags } = await this.parse(LaneList);
    const repo = this.openRepo(flags);
    await using store = await openQueue(repo);
    await applyLanes(store, await repo.readConfig());
    const rows = await listLanes(store);
    this.log(renderLanes(rows, screenOf(this.io, this.color, repo.clock.nowMs())));
    return rows.map(toLaneRowJson);
  }
}
