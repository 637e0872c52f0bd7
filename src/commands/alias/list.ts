import { BaseCommand } from "../../cli/base-command.ts";
import { type AliasJson, renderAliases, toAliasJson } from "../../cli/render/aliases.ts";
import { screenOf } from "../../cli/screen.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";

export default class AliasList extends BaseCommand {
  static override summary = "List the aliases with what they stand for now.";
  static override examples = ["<%= config.bin %> alias list"];

  override async run(): Promise<readonly AliasJson[]> {
    const { flags } = await this.parse(AliasList);
    const repo = this.openRepo(flags);
    await using store = await openQueueIfPresent(repo);
    const aliases = (await store?.aliases()) ?? [];
    this.log(
      aliases.length === 0
        ? "There is no alias yet. `aexp alias set NAME RUN` makes one."
        : renderAliases(aliases, screenOf(this.io, this.color, repo.clock.nowMs())),
    );
    return aliases.map(toAliasJson);
  }
}
