import * as Args from "@oclif/core/args";

import { aliasNotFound } from "../../app/run-reference.ts";
import { parseAliasName } from "../../app/set-alias.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { type AliasJson, renderAliases, toAliasJson } from "../../cli/render/aliases.ts";
import { screenOf } from "../../cli/screen.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";

export default class AliasLog extends BaseCommand {
  static override summary = "List everything that an alias has stood for, the newest first.";
  static override examples = ["<%= config.bin %> alias log baseline"];
  static override args = { name: Args.string({ description: "Alias, with or without @.", required: true }) };

  override async run(): Promise<readonly AliasJson[]> {
    const { args, flags } = await this.parse(AliasLog);
    const repo = this.openRepo(flags);
    const name = parseAliasName(args.name);
    await using store = await openQueueIfPresent(repo);
    const versions = ((await store?.aliasLog(name)) ?? []).toReversed();
    if (versions.length === 0) throw aliasNotFound(name, (await store?.aliases()) ?? []);
    this.log(renderAliases(versions, screenOf(this.io, this.color, repo.clock.nowMs())));
    return versions.map(toAliasJson);
  }
}
