import type { ProjectConfig } from "../generated/config.ts";
import { isConfig } from "../generated/validators.js";
import { AexpError, messageOf } from "../model/errors.ts";
import { isJsonObject } from "../model/json.ts";
import { didYouMean } from "../model/nearest.ts";

/** What a project has decided for everyone who clones it, with defaults filled in. */
export interface Config {
  /** A text that one of these matches is never committed to the ledger. */
  readonly redact: readonly RegExp[];
}

export const DEFAULT_CONFIG: Config = { redact: [] };

/** The keys that `aexp.yaml` may have. */
const KNOWN_KEYS = ["redact"] as const satisfies readonly (keyof ProjectConfig)[];

/**
 * Checks the parsed content of a configuration file. An empty file gives the defaults.
 *
 * @param file how messages call the file
 * @throws {AexpError} `config.invalid`
 */
export function parseConfig(file: string, value: unknown): Config {
  if (value === null || value === undefined) return DEFAULT_CONFIG;
  if (!isJsonObject(value)) throw invalid(file, "the file must hold keys and values");
  const unknown = Object.keys(value).find((key) => !KNOWN_KEYS.some((known) => known === key));
  if (unknown !== undefined) {
    throw invalid(file, `unknown key ${JSON.stringify(unknown)}.${didYouMean(unknown, KNOWN_KEYS)}`);
  }
  const candidate: unknown = value;
  if (!isConfig(candidate)) {
    const [first] = isConfig.errors ?? [];
    const place = (first?.instancePath ?? "").slice(1).replaceAll("/", ".");
    throw invalid(file, `${place}: ${first?.message ?? "invalid"}`);
  }
  return { redact: (candidate.redact ?? []).map((source, index) => toPattern(file, source, index)) };
}

function toPattern(file: string, source: string, index: number): RegExp {
  try {
    return new RegExp(source, "u");
  } catch (error) {
    throw invalid(file, `redact.${index}: ${messageOf(error)}`);
  }
}

function invalid(file: string, problem: string): AexpError {
  return new AexpError(`${file}: ${problem}`, {
    code: "config.invalid",
    hint: `Known keys: ${KNOWN_KEYS.join(", ")}.`,
  });
}
