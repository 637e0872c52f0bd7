import * as Flags from "@oclif/core/flags";
import { randomUUID } from "node:crypto";

import { acquireLock } from "../../app/hold-lock.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { KEY_ARG, toKey, toNote, toTtlMs, toWaitMs, WAIT_FLAG } from "../../cli/lock-flags.ts";
import { toInstant } from "../../model/clock.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { describeHolder } from "../../queue/describe-lock.ts";
import { openQueue } from "../../wiring/open-queue.ts";

export default class LockAcquire extends BaseCommand {
  static override summary = "Take a resource lock that nobody renews, for scripts.";
  static override description =
    "Prints the name of the holder. It lasts for --ttl, or until `aexp lock release KEY --holder NAME`; taking it again " +
    "with --holder prolongs it. Where one command does all the work, `aexp lock hold` is safer.";
  static override examples = [
    "holder=$(<%= config.bin %> lock acquire ./data/index.db --ttl 10m)",
    "<%= config.bin %> lock acquire ./data/index.db --ttl 10m --holder $holder",
  ];
  static override args = { key: KEY_ARG };
  static override flags = {
    ttl: Flags.string({ summary: "How long it lasts.", helpValue: "DURATION", required: true }),
    wait: WAIT_FLAG,
    holder: Flags.string({ summary: "Prolong the lock of this holder.", helpValue: "NAME" }),
  };

  override async run(): Promise<{ key: string; holder: string; fence: number; expires_at: string }> {
    const { args, flags } = await this.parse(LockAcquire);
    const [waitMs, ttlMs] = [toWaitMs(flags.wait), toTtlMs(flags.ttl)];
    const repo = this.openRepo(flags);
    const key = toKey(repo, args.key, this.io.cwd);
    const holder = flags.holder ?? randomUUID();
    await using store = await openQueue(repo);
    const held = await acquireLock(
      { store, clock: repo.clock },
      {
        key,
        holder,
        note: toNote("aexp lock acquire"),
        ttlMs,
        waitMs,
        onWait: (by) => this.io.stderr.write(`${toSafeLine(`waiting for ${key}, held by ${describeHolder(by)}`)}\n`),
        signal: new AbortController().signal,
      },
    );
    if (held === undefined) throw new Error("waiting for a lock ended without one");
    this.log(holder);
    return { key, holder, fence: held.fence, expires_at: toInstant(held.expiresAt) };
  }
}
