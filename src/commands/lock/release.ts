import * as Flags from "@oclif/core/flags";

import { releaseLock, type ReleaseOutcome } from "../../app/release-lock.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { KEY_ARG, toKey } from "../../cli/lock-flags.ts";
import { type LockJson, toLockJson } from "../../cli/render/locks.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { describeHolder } from "../../queue/describe-lock.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";

export default class LockRelease extends BaseCommand {
  static override summary = "Give a resource lock back, or take it away from its holder.";
  static override description =
    "With --force the lock is free at once. Its former holder notices at its next renewal and ends what it does; until " +
    "then both may be at work. The event lock.broken says who it was.";
  static override examples = [
    "<%= config.bin %> lock release ./data/index.db --holder $holder",
    "<%= config.bin %> lock release gpu-0 --force",
  ];
  static override args = { key: KEY_ARG };
  static override flags = {
    holder: Flags.string({ summary: "What `lock acquire` printed.", helpValue: "NAME", exclusive: ["force"] }),
    force: Flags.boolean({ summary: "Take the lock away from whoever holds it." }),
  };

  override async run(): Promise<{ key: string; outcome: ReleaseOutcome["kind"]; from?: LockJson }> {
    const { args, flags } = await this.parse(LockRelease);
    const repo = this.openRepo(flags);
    const key = toKey(repo, args.key, this.io.cwd);
    await using store = await openQueueIfPresent(repo);
    const request = { holder: flags.holder, isForced: flags.force };
    const outcome: ReleaseOutcome = store === undefined ? { kind: "free" } : await releaseLock(store, key, request);
    this.log(toSafeLine(renderOutcome(key, outcome)));
    return { key, outcome: outcome.kind, ...(outcome.kind === "broken" && { from: toLockJson(outcome.from) }) };
  }
}

function renderOutcome(key: string, outcome: ReleaseOutcome): string {
  switch (outcome.kind) {
    case "released":
      return `released ${key}`;
    case "broken":
      return `took ${key} away; it was held by ${describeHolder(outcome.from)}`;
    case "free":
      return `nobody holds ${key}`;
  }
}
