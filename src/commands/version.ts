import { VERSION } from "../cli/version.ts";
import { BaseCommand } from "../cli/base-command.ts";

export default class Version extends BaseCommand {
  static override summary = "Print the version of aexp and of what it runs on.";
  static override examples = ["<%= config.bin %> version", "<%= config.bin %> version --json"];

  override async run(): Promise<Record<string, string>> {
    await this.parse(Version);
    const versions = { aexp: VERSION, node: process.versions.node, platform: `${process.platform}-${process.arch}` };
    this.log(`aexp ${versions.aexp} (node ${versions.node}, ${versions.platform})`);
    return versions;
  }
}
