import { join } from "node:path";

import { AexpError, messageOf, systemErrorCode } from "../../model/errors.ts";
import { readTextFile } from "../../platform/read-file.ts";
import { type Config, DEFAULT_CONFIG, parseConfig } from "../config.ts";

/** The project's configuration, relative to the root of the repository. */
export const CONFIG_PATH = "aexp.yaml";

const MAX_CONFIG_BYTES = 1024 * 1024;

/**
 * Reads the project's configuration; without a file, every key has its default.
 *
 * @throws {AexpError} `config.invalid`
 */
export async function loadConfig(root: string): Promise<Config> {
  let text: string;
  try {
    text = readTextFile(join(root, CONFIG_PATH), MAX_CONFIG_BYTES);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return DEFAULT_CONFIG;
    throw new AexpError(`${CONFIG_PATH} cannot be read: ${messageOf(error)}`, { code: "config.invalid", cause: error });
  }
  return parseConfig(CONFIG_PATH, await parseYaml(text), text);
}

async function parseYaml(text: string): Promise<unknown> {
  const { default: yaml } = await import("yaml");
  try {
    const document = yaml.parseDocument(text, { prettyErrors: true, uniqueKeys: true });
    const [problem] = document.errors;
    if (problem !== undefined) throw problem;
    // The limit on aliases stops documents that unfold to gigabytes.
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    const [first = ""] = messageOf(error).split("\n");
    throw new AexpError(`${CONFIG_PATH} is not YAML: ${first.replace(/:$/, "")}`, {
      code: "config.invalid",
      cause: error,
    });
  }
}
