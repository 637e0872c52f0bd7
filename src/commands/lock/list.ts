import { BaseCommand } from "../../cli/base-command.ts";
import { type LockJson, renderLocks, toLockJson } from "../../cli/render/locks.ts";
import { screenOf } from "../../cli/screen.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";

export default class LockList extends BaseCommand {
  static override summary = "List the resource locks that runs and commands hold.";
  static override examples = ["<%= config.bin %> lock list", "<%= config.bin %> lock list --json"];

  override async run(): Promise<readonly LockJson[]> {
    const { flags } = await this.parse(LockList);
    const repo = this.openRepo(flags);
    await using store = await openQueueIfPresent(repo);
    const locks = (await store?.locks()) ?? [];
    this.log(renderLocks(locks, screenOf(this.io, this.color, repo.clock.nowMs())));
    return locks.map(toLockJson);
  }
}
