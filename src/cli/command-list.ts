import { readFileSync } from "node:fs";
import { join } from "node:path";

import { isJsonObject } from "../model/json.ts";
import { PACKAGE_ROOT } from "./cli-config.ts";
import type { CompletableCommand } from "./render/completion.ts";

/** Every command that is shown in help, read from the manifest that is shipped with the program. */
export function readCommandList(): readonly CompletableCommand[] {
  const manifest: unknown = JSON.parse(readFileSync(join(PACKAGE_ROOT, "oclif.manifest.json"), "utf8"));
  const commands = isJsonObject(manifest) && isJsonObject(manifest["commands"]) ? manifest["commands"] : {};
  return Object.entries(commands).flatMap(([id, command]) => {
    if (!isJsonObject(command) || command["hidden"] === true) return [];
    const flags = isJsonObject(command["flags"]) ? Object.keys(command["flags"]).toSorted() : [];
    const summary = typeof command["summary"] === "string" ? command["summary"] : "";
    return [{ id: id.replaceAll(":", " "), summary, flags }];
  });
}
