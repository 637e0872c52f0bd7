import * as Flags from "@oclif/core/flags";

import { type Collection, collectOutputs } from "../../app/collect-outputs.ts";
import { planCollection } from "../../app/plan-collection.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { EXIT } from "../../cli/exit-codes.ts";
import { Progress } from "../../cli/progress.ts";
import { type CollectionJson, renderCollection, toCollectionJson } from "../../cli/render/collection.ts";
import { screenOf } from "../../cli/screen.ts";
import { LONGEST_MS, parseDuration } from "../../model/duration.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { openCache } from "../../wiring/open-cache.ts";

export default class OutputGc extends BaseCommand {
  static override summary = "Find outputs that nobody wants any more, and delete them with --yes.";
  static override description =
    "Never touched is what an alias stands for, what a run that has not ended needs, what the latest entry of an experiment " +
    "in the ledger refers to, and the newest results of each stage; and what cached runs have from others with them. What " +
    "was written by attempts that no run has as its result goes at any age. Documents, metrics, logs and records of what " +
    "outputs were stay.";
  static override examples = [
    "<%= config.bin %> output gc",
    "<%= config.bin %> output gc --older-than 7d --keep-last 3 --yes",
  ];
  static override flags = {
    "older-than": Flags.string({
      summary: "Only what no run used for longer.",
      helpValue: "TIME",
      default: "30d",
    }),
    "keep-last": Flags.integer({
      summary: "Keep the results of so many runs of each stage and element.",
      helpValue: "N",
      min: 0,
      default: 1,
    }),
    "dry-run": Flags.boolean({ summary: "Delete nothing; this is the default.", exclusive: ["yes"] }),
    yes: Flags.boolean({ summary: "Delete what is found.", default: false }),
  };

  override async run(): Promise<CollectionJson> {
    const { flags } = await this.parse(OutputGc);
    const repo = this.openRepo(flags);
    const ageMs = parseDuration(flags["older-than"], "--older-than", LONGEST_MS);
    await using ports = await openCache(repo);
    const rules = { beforeMs: repo.clock.nowMs() - ageMs, keepLast: flags["keep-last"] };
    const plan = await planCollection(repo, ports, rules);
    let done: Collection | undefined;
    if (flags.yes) {
      const progress = new Progress(this.io.stderr, "deleting:");
      const onProgress = (count: number): void => progress.update(count, () => plan.collectable.length);
      done = await collectOutputs(repo, ports, rules, plan, onProgress).finally(() => progress.end());
      for (const { item, problem } of done.failed) {
        this.io.stderr.write(toSafeLine(`error: the outputs of run ${item.run.slice(0, 8)} stay: ${problem}`) + "\n");
      }
      if (done.failed.length > 0) this.exitCode = EXIT.partial;
    }
    this.log(renderCollection(plan, done, screenOf(this.io, this.color, repo.clock.nowMs())));
    return toCollectionJson(plan, done);
  }
}
