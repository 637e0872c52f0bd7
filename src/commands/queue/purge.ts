import * as Flags from "@oclif/core/flags";

import { pruneCheckouts } from "../../app/prune-checkouts.ts";
import { purgeQueue } from "../../app/purge-queue.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { renderBytes } from "../../cli/render/bytes.ts";
import { renderCount } from "../../cli/render/value.ts";
import { LONGEST_MS, parseDuration } from "../../model/duration.ts";
import { openCheckouts } from "../../wiring/open-checkouts.ts";
import { openCode } from "../../wiring/open-code.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";

export default class QueuePurge extends BaseCommand {
  static override summary = "Forget runs that ended long ago, and delete what they printed.";
  static override description =
    "Workers do it by themselves, for lanes that say how long they keep runs. What something kept refers to stays, and so " +
    "do the newest runs of each lane. Code that only they executed goes with them, and work trees of " +
    "`worker start --checkout` go when nothing has wanted them for a day. Documents, metrics, outputs, other files and " +
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

  override async run(): Promise<{ dry_run: boolean; runs: readonly string[]; freed_bytes: number }> {
    const { flags } = await this.parse(QueuePurge);
    const repo = this.openRepo(flags);
    const dryRun = flags["dry-run"];
    const age = flags["older-than"];
    const ageMs = age === undefined ? undefined : parseDuration(age, "--older-than", LONGEST_MS);
    await using store = await openQueueIfPresent(repo);
    const beforeMs = ageMs === undefined || store === undefined ? undefined : (await store.now()) - ageMs;
    const { ids, freedBytes } =
      store === undefined
        ? { ids: [], freedBytes: 0 }
        : await purgeQueue(repo, { store, code: openCode(repo) }, { dryRun, beforeMs });
    if (store !== undefined) await pruneCheckouts(repo, store, openCheckouts(repo), dryRun);
    for (const id of dryRun ? ids : []) this.log(id);
    const what = ids.length === 1 ? "1 run" : `${renderCount(ids.length)} runs`;
    const logs = freedBytes === 0 ? "" : `, and ${renderBytes(freedBytes)} of logs`;
    this.log(dryRun ? `would forget ${what}${logs}` : `forgot ${what}${logs}`);
    return { dry_run: dryRun, runs: ids, freed_bytes: freedBytes };
  }
}
