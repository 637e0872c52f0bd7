import { Config } from "@oclif/core/config";
import { Help } from "@oclif/core/help";

import { PACKAGE_ROOT } from "./cli-config.ts";
import { EXIT } from "./exit-codes.ts";

/**
 * Prints oclif's help for the command or topic that the words name, or for the whole program.
 *
 * @throws when the words name nothing
 */
export async function printHelp(words: readonly string[]): Promise<number> {
  const config = await Config.load({ root: PACKAGE_ROOT, userPlugins: false, devPlugins: false });
  const named = words.filter((word) => !word.startsWith("-"));
  // The longest run of leading words that names something; the rest are arguments.
  for (let count = Math.min(3, named.length); count > 0; count -= 1) {
    const id = named.slice(0, count).join(":");
    if (config.findCommand(id) !== undefined || config.findTopic(id) !== undefined) {
      await new Help(config).showHelp([id]);
      return EXIT.ok;
    }
  }
  await new Help(config).showHelp([]);
  return named.length === 0 ? EXIT.ok : EXIT.usage;
}
