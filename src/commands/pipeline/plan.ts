import * as Flags from "@oclif/core/flags";

import { planPipeline } from "../../app/plan-pipeline.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { CACHE_FLAGS, PIPELINE_ARGS, readPipelineFile } from "../../cli/pipeline-file.ts";
import { type PipelinePlanJson, renderPipelinePlan, toPipelinePlanJson } from "../../cli/render/pipeline-plan.ts";
import { screenOf } from "../../cli/screen.ts";
import { openCache } from "../../wiring/open-cache.ts";

export default class PipelinePlanCommand extends BaseCommand {
  static override summary = "Show what a pipeline would run, and what it would take from the cache.";
  static override description =
    "Checks the whole file first: every unknown name, cycle and placeholder is told with its line. Nothing is stored.";
  static override examples = [
    "<%= config.bin %> pipeline plan pipeline.yaml",
    "<%= config.bin %> pipeline plan pipeline.yaml --explain",
  ];
  static override args = PIPELINE_ARGS;
  static override flags = {
    explain: Flags.boolean({ summary: "Say of each run why it is, or is not, in the cache.", default: false }),
    ...CACHE_FLAGS,
  };

  override async run(): Promise<PipelinePlanJson> {
    const { args, flags } = await this.parse(PipelinePlanCommand);
    const repo = this.openRepo(flags);
    await using ports = await openCache(repo);
    const read = await readPipelineFile(repo, ports, this.io, { file: args.file, cache: flags.cache });
    const isExplained = flags.explain || this.jsonEnabled();
    const plan = await planPipeline(repo, ports, read.pipeline.name, read.planned, { isExplained });
    const screen = screenOf(this.io, this.color, repo.clock.nowMs());
    this.log(renderPipelinePlan(plan, screen, { explain: flags.explain }));
    return toPipelinePlanJson(plan);
  }
}
