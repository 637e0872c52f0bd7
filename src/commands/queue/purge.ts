import * as Flags from "@oclif/core/flags";

import { purgeQueue } from "../../app/purge-queue.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { renderBytes } from "../../cli/render/bytes.ts";
import { plural } from "../../cli/render/plural.ts";
import { LONGEST_MS, parseDuration } from "../../model/duration.ts";
import { openCode } from "../../wiring/open-code.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";
import { openWorkTrees } from "../../wiring/open-work-trees.ts";

/** What was forgotten, or would be. */
interface QueuePurgeJson {
  readonly dry_run: boolean;
  readonly runs: readonly string[];
  readonly freed_bytes: number;
  /** The commits whose work trees were removed, or, with `dry_run`, would be. */
  readonly work_trees: readonly string[];
}

export default class QueuePurge extends BaseCommand {
  static override summary = "Forget runs that ended long ago, and delete what they printed.";
  static override description =
    "Workers do it by themselves, for lanes that say how long they keep runs. What something kept refers to stays, and so " +
    "do the newest runs of each lane. Code that only they executed goes with them, and work trees of " +
    "commits (`--checkout`) go when nothing has wanted them for a day. Documents, metrics, outputs, other files and " +
    "ledger entries are never touched.";
  static override examples = [
    "<%= config.bin %> queue purge --dry-run",
    "<%= config.bin %> queue purge --older-than 30d",
  ];
  static override flags = {
    "dry-run": Flags.boolean({ summary: "Say what would be forgotten, and change nothing.", default: false }),
    "older-than": Flags.string({
      summary: "Forget what ended longer ago, instead of what each lane says.",
      helpValue: "TIME",
    }),
  };

  override async run(): Promise<QueuePurgeJson> {
    const { flags } = await this.parse(QueuePurge);
    const repo = this.openRepo(flags);
    const dryRun = flags["dry-run"];
    const age = flags["older-than"];
    const ageMs = age === undefined ? undefined : parseDuration(age, "--older-than", LONGEST_MS);
    await using store = await openQueueIfPresent(repo);
    const beforeMs = ageMs === undefined || store === undefined ? undefined : (await store.now()) - ageMs;
    const { ids, freedBytes, workTrees } =
      store === undefined
        ? { ids: [], freedBytes: 0, workTrees: [] }
        : await purgeQueue(repo, { store, code: openCode(repo), workTrees: openWorkTrees(repo) }, { dryRun, beforeMs });
    for (const id of dryRun ? ids : []) this.log(id);
    const what = plural(ids.length, "run");
    const logs = freedBytes === 0 ? "" : `, and ${renderBytes(freedBytes)} of logs`;
    this.log(dryRun ? `would forget ${what}${logs}` : `forgot ${what}${logs}`);
    if (workTrees.length > 0) {
      const whose = workTrees.map((commit) => commit.slice(0, 12)).join(", ");
      const trees = workTrees.length === 1 ? "the work tree of commit" : "the work trees of commits";
      this.log(`${dryRun ? "would remove" : "removed"} ${trees} ${whose}`);
    }
    return { dry_run: dryRun, runs: ids, freed_bytes: freedBytes, work_trees: workTrees };
  }
}
