/**
 * Generates what follows from the files in `src/commands/`: the command table that the launcher uses, and oclif's
 * manifest, which help reads and which serves as the checked-in list of commands, flags and aliases, and
 * `docs/commands.md`.
 * With `--check` nothing is written; a difference fails.
 */
import { Config, Plugin } from "@oclif/core/config";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { type CommandEntry, renderCommandsPage } from "./commands-page.ts";

const ROOT = join(import.meta.dirname, "..");
const isCheck = process.argv.includes("--check");

const files = globSync("**/*.ts", { cwd: join(ROOT, "src", "commands") }).toSorted();
const commands = [];
for (const file of files) {
  const url = pathToFileURL(join(ROOT, "src", "commands", file)).href;
  const { default: command }: { default: { aliases?: string[]; hiddenAliases?: string[] } } = await import(url);
  const id = file.replace(/\.ts$/, "").replaceAll("/", " ");
  const aliases = [...(command.aliases ?? []), ...(command.hiddenAliases ?? [])].map((alias) =>
    alias.replaceAll(":", " "),
  );
  commands.push({ id, file, aliases });
}

write(
  "src/cli/command-table.ts",
  `// Generated from src/commands/ by \`npm run generate\`. Do not edit.
import type { CommandModule } from "./command-module.ts";

export const COMMANDS: Readonly<Record<string, () => Promise<CommandModule>>> = {
${commands.map(({ id, file }) => `  ${JSON.stringify(id)}: () => import(${JSON.stringify(`../commands/${file}`)}),`).join("\n")}
};

export const ALIASES: Readonly<Record<string, string>> = {
${commands.flatMap(({ id, aliases }) => aliases.map((alias) => `  ${JSON.stringify(alias)}: ${JSON.stringify(id)},`)).join("\n")}
};
`,
);

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
manifest.oclif.commands.target = "./src/commands";
const config = await Config.load({
  root: ROOT,
  pjson: manifest,
  ignoreManifest: true,
  userPlugins: false,
  devPlugins: false,
});
const [plugin] = config.getPluginsList();
if (!(plugin instanceof Plugin)) throw new Error("oclif found no commands");
const list = {
  commands: Object.fromEntries(
    Object.entries(plugin.manifest.commands)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, command]) => [id, { ...command, relativePath: ["dist", "commands", ...`${id}.js`.split(":")] }]),
  ),
  version: manifest.version,
};
const manifestText = `${JSON.stringify(list, null, 2)}\n`;
write("oclif.manifest.json", manifestText);

const { commands: entries }: { commands: Record<string, CommandEntry> } = JSON.parse(manifestText);
write("docs/commands.md", renderCommandsPage(entries));

function write(name: string, text: string): void {
  const path = join(ROOT, name);
  if (isCheck) {
    if (readFileSync(path, "utf8") !== text) {
      process.stderr.write(`${name} is not what src/commands/ say; run \`npm run generate\`\n`);
      process.exitCode = 1;
    }
    return;
  }
  writeFileSync(path, text);
}
