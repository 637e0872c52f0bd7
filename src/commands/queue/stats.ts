import { applyLanes } from "../../app/apply-lanes.ts";
import { readQueueStats } from "../../app/read-queue-stats.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { type QueueStatsJson, renderStats, toStatsJson } from "../../cli/render/queue-stats.ts";
import { screenOf } from "../../cli/screen.ts";
import { openQueue } from "../../wiring/open-queue.ts";

export default class QueueStats extends BaseCommand {
  static override summary = "Show the queue by lane: what waits and how long, attempts, retries, lost leases, times.";
  static override description =
    "Times are of the last thousand claims and attempts. A worker with --metrics-port serves the same to Prometheus.";
  static override examples = ["<%= config.bin %> queue stats", "<%= config.bin %> queue stats --json"];

  override async run(): Promise<QueueStatsJson> {
    const { flags } = await this.parse(QueueStats);
    const repo = this.openRepo(flags);
    await using store = await openQueue(repo);
    await applyLanes(store, await repo.readConfig());
    const stats = await readQueueStats(store);
    this.log(renderStats(stats, screenOf(this.io, this.color, repo.clock.nowMs())));
    return toStatsJson(stats);
  }
}
