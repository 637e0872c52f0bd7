import { listPipelines } from "../../app/show-pipeline.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { type PipelineGroupJson, renderPipelineList, toPipelineGroupJson } from "../../cli/render/pipeline-group.ts";
import { screenOf } from "../../cli/screen.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";

export default class PipelineList extends BaseCommand {
  static override summary = "List the pipelines that were submitted, the newest first.";
  static override examples = ["<%= config.bin %> pipeline list"];

  override async run(): Promise<readonly PipelineGroupJson[]> {
    const { flags } = await this.parse(PipelineList);
    const repo = this.openRepo(flags);
    await using store = await openQueueIfPresent(repo);
    const groups = store === undefined ? [] : await listPipelines(store);
    this.log(
      groups.length === 0
        ? "No pipeline was submitted yet. `aexp pipeline run FILE` submits one."
        : renderPipelineList(groups, screenOf(this.io, this.color, repo.clock.nowMs())),
    );
    return groups.map(toPipelineGroupJson);
  }
}
