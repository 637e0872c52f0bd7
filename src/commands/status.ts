import { allIds } from "../app/run-ids.ts";
import { readStatus, type RepoStatus } from "../app/read-status.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { Progress } from "../cli/progress.ts";
import { renderStatusScreen } from "../cli/render/status-screen.ts";
import { openQueueIfPresent } from "../wiring/open-queue.ts";

export default class Status extends BaseCommand {
  static override summary = "Show one screen: runs by status, what others cannot see yet, issues, what to do next.";
  static override examples = ["<%= config.bin %> status", "<%= config.bin %> status --json"];

  override async run(): Promise<RepoStatus> {
    const { flags } = await this.parse(Status);
    const repo = this.openRepo(flags);
    const progress = new Progress(this.io.stderr, "checking runs:");
    await using store = await openQueueIfPresent(repo);
    const onProgress = (done: number): void => progress.update(done, () => allIds(repo).length);
    const status = await readStatus(repo, onProgress, store).finally(() => progress.end());

    this.log(renderStatusScreen(status));
    return status;
  }
}
