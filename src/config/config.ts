import type { ProjectConfig } from "../generated/config.ts";
import { type ComputeRequest, parseComputeRequest } from "../queue/compute-request.ts";
import { isConfig } from "../generated/validators.js";
import { parseByteSize } from "../model/byte-size.ts";
import { AexpError, messageOf } from "../model/errors.ts";
import { isJsonObject } from "../model/json.ts";
import type { StoreSettings } from "./database-url.ts";
import { findUnknownKey, KNOWN_KEYS } from "./known-keys.ts";
import { type LaneSettings, toLaneSettings } from "./lane-settings.ts";

export type { LaneSettings };

/** What a project has decided for everyone who clones it, with defaults filled in. */
export interface Config {
  /** A text that one of these matches is never committed to the ledger. */
  readonly redact: readonly RegExp[];
  readonly lanes: Readonly<Record<string, LaneSettings>>;
  /** The pools of a worker that is not told others, as its flag spells them: `train=2,*=1`. */
  readonly pools: string | undefined;
  /** In the order of the file. */
  readonly hooks: readonly Hook[];
  readonly policies: PolicySections;
  /** A worker starts nothing while the disk has fewer free bytes. */
  readonly minFreeBytes: number;
  readonly store: StoreSettings;
  /** What SLURM reserves for a run that does not say otherwise. */
  readonly slurm: ComputeRequest;
}

/** A command that is told when something happens. */
export interface Hook {
  readonly event: string;
  /** A line for `sh`, or program and arguments without a shell. */
  readonly command: string | readonly string[];
}

/** The policies as they were written; `readPolicies` says what they mean. */
export interface PolicySections {
  /** In the order of the file. */
  readonly sections: readonly PolicySection[];
  /** The whole file, for messages that name its lines; empty when it has no policies. */
  readonly text: string;
}

export interface PolicySection {
  readonly name: string;
  readonly section: unknown;
}

/** Room for the logs of what runs already. */
const DEFAULT_MIN_FREE_BYTES = 2 ** 30;

export const DEFAULT_CONFIG: Config = {
  redact: [],
  lanes: {},
  pools: undefined,
  hooks: [],
  policies: { sections: [], text: "" },
  minFreeBytes: DEFAULT_MIN_FREE_BYTES,
  store: { databaseUrlEnv: undefined, schema: undefined },
  slurm: {},
};

/**
 * Checks the parsed content of a configuration file. An empty file gives the defaults.
 *
 * @param file how messages call the file
 * @param text what the value was read from
 * @throws {AexpError} `config.invalid`
 */
export function parseConfig(file: string, value: unknown, text = ""): Config {
  if (value === null || value === undefined) return DEFAULT_CONFIG;
  if (!isJsonObject(value)) throw invalid(file, "the file must hold keys and values");
  const unknown = findUnknownKey(value);
  if (unknown !== undefined) throw invalid(file, unknown.problem, unknown.known);
  const candidate: unknown = value;
  if (!isConfig(candidate)) throw invalid(file, firstProblem());
  const { redact = [], lanes, pools, hooks, policies, queue, store, executors } = candidate;
  return {
    redact: redact.map((source, index) => attempt(file, `redact.${index}`, () => new RegExp(source, "u"))),
    lanes: Object.fromEntries(
      Object.entries(lanes ?? {}).map(([name, section]) => [
        name,
        attempt(file, `lanes.${name}`, () => toLaneSettings(section ?? {})),
      ]),
    ),
    pools: pools && toPoolsText(pools),
    hooks: Object.entries(hooks ?? {}).flatMap(([event, commands]) => commands.map((command) => ({ event, command }))),
    policies: toPolicySections(policies ?? {}, text),
    minFreeBytes: attempt(file, "queue.min_free", () => toMinFreeBytes(queue?.min_free)),
    store: { databaseUrlEnv: store?.database_url_env, schema: store?.schema },
    slurm: attempt(file, "executors", () => parseComputeRequest(executors?.slurm, "slurm")),
  };
}

function toPolicySections(policies: NonNullable<ProjectConfig["policies"]>, text: string): PolicySections {
  const sections = Object.entries(policies).map(([name, section]) => ({ name, section }));
  return { sections, text: sections.length === 0 ? "" : text };
}

function toPoolsText(pools: NonNullable<ProjectConfig["pools"]>): string {
  return Object.entries(pools)
    .map(([name, slots]) => `${name}=${slots}`)
    .join(",");
}

function toMinFreeBytes(value: string | number | undefined): number {
  return value === undefined ? DEFAULT_MIN_FREE_BYTES : parseByteSize(String(value));
}

function firstProblem(): string {
  const [first] = isConfig.errors ?? [];
  const place = (first?.instancePath ?? "").slice(1).replaceAll("/", ".");
  const name = first?.propertyName;
  const subject = name === undefined ? `${place}:` : `${place}: the name ${JSON.stringify(name)}`;
  return `${subject} ${first?.message ?? "invalid"}`;
}

function attempt<T>(file: string, place: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw invalid(file, `${place}: ${messageOf(error)}`);
  }
}

function invalid(file: string, problem: string, known: readonly string[] = KNOWN_KEYS): AexpError {
  return new AexpError(`${file}: ${problem}`, { code: "config.invalid", hint: `Known keys: ${known.join(", ")}.` });
}
