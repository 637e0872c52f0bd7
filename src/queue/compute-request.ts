import { AexpError } from "../model/errors.ts";
import { isJsonObject } from "../model/json.ts";
import { didYouMean } from "../model/nearest.ts";

/** What a batch scheduler is to reserve for a run. What is absent is the scheduler's to decide. */
export interface ComputeRequest {
  readonly cpus?: number;
  /** `4G`, or a number of megabytes. */
  readonly mem?: string;
  /** `2`, or `a100:2`. */
  readonly gpus?: string;
  /** In the scheduler's form: `2:00:00`, `1-12`, or a number of minutes. */
  readonly time?: string;
  /** `2`, or `2-4`. */
  readonly nodes?: string;
  readonly partition?: string;
  readonly qos?: string;
  readonly account?: string;
  /** Nodes that it must not use: `n1,n[4-6]`. */
  readonly exclude?: string;
  /** Further options of `sbatch`, each as one word. */
  readonly sbatch?: readonly string[];
}

/** The keys of a request as users write them, in the order in which they are told. */
export const COMPUTE_KEYS = [
  "cpus",
  "mem",
  "gpus",
  "time",
  "nodes",
  "partition",
  "qos",
  "account",
  "exclude",
  "sbatch",
] as const satisfies readonly (keyof ComputeRequest)[];

/** Each form is checked here, because the scheduler's own words come hours later, or not at all. */
const FORMS: Readonly<Record<Exclude<keyof ComputeRequest, "cpus" | "sbatch">, readonly [form: RegExp, text: string]>> =
  {
    mem: [/^\d+[KMGT]?$/i, "a size like 4G"],
    gpus: [/^(?:[\w.-]+:)?\d+$/, "a number, or a kind and a number like a100:2"],
    time: [/^(?:\d+-\d+(?::\d+){0,2}|\d+(?::\d+){0,2})$/, "a time like 2:00:00, 1-12 or 90m"],
    nodes: [/^\d+(?:-\d+)?$/, "a number, or a range like 2-4"],
    partition: [/^[\w.,+-]+$/, "the name of a partition"],
    qos: [/^[\w.,+-]+$/, "the name of a quality of service"],
    account: [/^[\w.,+@-]+$/, "the name of an account"],
    exclude: [/^[\w.,[\]-]+$/, "a list of nodes like n1,n[4-6]"],
  };

/** Options that aexp gives itself, because it finds its jobs and their output again by them. */
const OWN_OPTIONS =
  /^(?:-[aDeiJoW]|--(?:array|chdir|error|input|job-name|no-requeue|open-mode|output|parsable|requeue|test-only|wait|wrap)(?:=|$))/;
/** Characters that no line of a script and no word of a command can hold. */
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * Reads what is written under `slurm` in a note, a plan or the project's configuration, or was given as flags.
 *
 * @param place - how messages call it
 * @throws {AexpError} `compute.invalid`
 */
export function parseComputeRequest(value: unknown, place: string): ComputeRequest {
  if (value === undefined || value === null) return {};
  if (!isJsonObject(value)) throw invalid(place, `${JSON.stringify(value)} is no mapping of keys and values`);
  const request: { -readonly [key in keyof ComputeRequest]: ComputeRequest[key] } = {};
  for (const [key, item] of Object.entries(value)) {
    const known = COMPUTE_KEYS.find((name) => name === key);
    if (known === undefined) {
      throw invalid(
        place,
        `unknown key ${JSON.stringify(key)}.${didYouMean(key, COMPUTE_KEYS)}`,
        `Known keys: ${COMPUTE_KEYS.join(", ")}.`,
      );
    }
    if (item === undefined || item === null) continue;
    if (known === "sbatch") request.sbatch = parseOptions(item, place);
    else if (known === "cpus") request.cpus = parseCpus(item, place);
    else request[known] = parseText(known, item, place);
  }
  return request;
}

function parseCpus(value: unknown, place: string): number {
  const cpus = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof cpus === "number" && Number.isSafeInteger(cpus) && cpus >= 1) return cpus;
  throw invalid(place, `cpus is ${JSON.stringify(value)}; expected a whole number from 1`);
}

function parseText(key: keyof typeof FORMS, value: unknown, place: string): string {
  const text = typeof value === "number" ? String(value) : value;
  const [form, expected] = FORMS[key];
  const written = key === "time" && typeof text === "string" ? toSchedulerTime(text) : text;
  if (typeof written === "string" && form.test(written)) return written;
  throw invalid(place, `${key} is ${JSON.stringify(value)}; expected ${expected}`);
}

const UNITS: Readonly<Record<string, number>> = { s: 1 / 60, m: 1, h: 60, d: 1440 };

/** `90m` and `2h30m` as minutes, which is what the scheduler takes a bare number for. */
function toSchedulerTime(text: string): string {
  if (!/^(?:\d+(?:\.\d+)?[smhd])+$/.test(text)) return text;
  let minutes = 0;
  for (const [, amount = "", unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)([smhd])/g)) {
    minutes += Number(amount) * (UNITS[unit] ?? 0);
  }
  return String(Math.max(1, Math.ceil(minutes)));
}

function parseOptions(value: unknown, place: string): readonly string[] {
  const options: readonly unknown[] = Array.isArray(value) ? value : [value];
  return options.map((option) => {
    if (typeof option !== "string" || !/^--?[A-Za-z]/.test(option) || CONTROL.test(option)) {
      throw invalid(place, `sbatch has ${JSON.stringify(option)}; expected options like --constraint=avx2`);
    }
    if (OWN_OPTIONS.test(option)) {
      throw invalid(place, `sbatch has ${JSON.stringify(option)}, which aexp decides itself`);
    }
    return option;
  });
}

/** Several requests in one; later ones win, and options come one after the other, of which SLURM takes the last. */
export function mergeComputeRequests(requests: readonly ComputeRequest[]): ComputeRequest {
  const sbatch = requests.flatMap((request) => request.sbatch ?? []);
  const merged = requests.reduce<ComputeRequest>((before, request) => ({ ...before, ...request }), {});
  return { ...merged, ...(sbatch.length > 0 && { sbatch }) };
}

/** The options of `sbatch` that ask for it. */
export function toSbatchOptions(request: ComputeRequest): readonly string[] {
  const { cpus, mem, gpus, time, nodes, partition, qos, account, exclude, sbatch = [] } = request;
  const named: readonly (readonly [option: string, value: string | number | undefined])[] = [
    ["cpus-per-task", cpus],
    ["mem", mem],
    ["gpus", gpus],
    ["time", time],
    ["nodes", nodes],
    ["partition", partition],
    ["qos", qos],
    ["account", account],
    ["exclude", exclude],
  ];
  return [...named.flatMap(([option, value]) => (value === undefined ? [] : [`--${option}=${value}`])), ...sbatch];
}

function invalid(place: string, problem: string, hint?: string): AexpError {
  return new AexpError(`${place}: ${problem}`, { code: "compute.invalid", hint });
}
