import * as Args from "@oclif/core/args";

import { LAST_PIPELINE, showPipeline } from "../../app/show-pipeline.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { type PipelineGroupJson, renderPipelineGroup, toPipelineGroupJson } from "../../cli/render/pipeline-group.ts";
import { screenOf } from "../../cli/screen.ts";
import { openQueue } from "../../wiring/open-queue.ts";

export default class PipelineShow extends BaseCommand {
  static override summary = "Show a submitted pipeline: its stages, what went wrong, and what the whole waited for.";
  static override examples = ["<%= config.bin %> pipeline show", "<%= config.bin %> pipeline show grp_0a1b2c3d4e5f"];
  static override args = {
    group: Args.string({
      description: "Group, as `pipeline list` shows it; the newest without it.",
      default: LAST_PIPELINE,
    }),
  };

  override async run(): Promise<PipelineGroupJson> {
    const { args, flags } = await this.parse(PipelineShow);
    const repo = this.openRepo(flags);
    await using store = await openQueue(repo);
    const shown = await showPipeline(store, args.group);
    this.log(renderPipelineGroup(shown, screenOf(this.io, this.color, repo.clock.nowMs())));
    return toPipelineGroupJson(shown);
  }
}
