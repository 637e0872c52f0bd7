import * as Args from "@oclif/core/args";

import { resolveReference } from "../../app/run-reference.ts";
import { showOutputs } from "../../app/show-outputs.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { renderOutputs, type ShownOutputsJson, toShownOutputsJson } from "../../cli/render/outputs.ts";
import { screenOf } from "../../cli/screen.ts";
import { openCache } from "../../wiring/open-cache.ts";

export default class OutputShow extends BaseCommand {
  static override summary = "Show the outputs of a run: what they are, where they lie, who reads them.";
  static override description = "Sizes and times are looked at; `aexp output verify` reads everything again.";
  static override examples = [
    "<%= config.bin %> output show 3f2a",
    "<%= config.bin %> output show @last model",
    "<%= config.bin %> output show @baseline",
  ];
  static override args = {
    run: Args.string({
      description: "RUN or RUN.OUTPUT: a job id, a unique prefix of it, @last, or an alias as @NAME.",
      required: true,
    }),
    output: Args.string({ description: "Only the output of this name." }),
  };

  override async run(): Promise<ShownOutputsJson> {
    const { args, flags } = await this.parse(OutputShow);
    const repo = this.openRepo(flags);
    await using ports = await openCache(repo);
    const referred = await resolveReference(repo, ports.store, args.run);
    const shown = await showOutputs(repo, ports, { ...referred, output: args.output ?? referred.output });
    this.log(renderOutputs(shown, repo, screenOf(this.io, this.color, repo.clock.nowMs())));
    return toShownOutputsJson(shown, repo);
  }
}
