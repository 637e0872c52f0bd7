import { AexpError } from "../model/errors.ts";
import {
  type Exact,
  ExactNumber,
  type ExactObject,
  isExactObject,
  toPrintable,
  toPythonJson,
} from "../model/exact-json.ts";
import { parseSweep, parseSweepValues, type SweepAxis } from "../queue/sweep.ts";
import type { FaultList, FaultPath } from "./fault.ts";

/**
 * Reads the sweep of a stage: values by key, as a list of YAML values or as a text of `--sweep` (`0..2`, `a|b`); or whole
 * texts of `--sweep`. What cannot be read is a fault, and its key is left out.
 */
export function readStageSweep(section: Exact | undefined, path: FaultPath, faults: FaultList): readonly SweepAxis[] {
  if (section === undefined) return [];
  if (!isExactObject(section)) {
    const texts = (Array.isArray(section) ? section : [section]).filter((text) => typeof text === "string");
    return faults.attempt(path, () => parseSweep(texts)) ?? [];
  }
  return [...section].flatMap(([key, value]) => faults.attempt([...path, key], () => readAxis(key, value)) ?? []);
}

function readAxis(key: string, value: Exact): SweepAxis {
  if (typeof value === "string") return parseSweepValues(key, value);
  if (!Array.isArray(value)) return { key, values: [value] };
  if (value.length === 0) throw invalid(`${JSON.stringify(key)} is swept over no value`);
  const seen = new Set<string>();
  for (const item of value) {
    if (typeof item === "string" && /^[-+]?\d+\.\.[-+]?\d+(?:\.\.[-+]?\d+)?$/.test(item)) {
      // In a list it might be meant as a text, and YAML does not tell whether it was in quotes.
      throw invalid(`the range ${item} of ${JSON.stringify(key)} stands in a list; write ${key}: ${item}|…`);
    }
    const written = toPythonJson(item, { sortKeys: true });
    if (seen.has(written)) throw invalid(`the value ${written} of ${JSON.stringify(key)} comes twice in the sweep`);
    seen.add(written);
  }
  return { key, values: value };
}

/** The bindings of an element as `--sp` takes them: `lr=0.1,seed=0`; empty where nothing is swept. */
export function labelOf(bindings: ExactObject): string {
  return [...bindings].map(([key, value]) => `${key}=${toLabelText(value)}`).join(",");
}

function toLabelText(value: Exact): string {
  if (value instanceof ExactNumber) return value.text;
  if (typeof value === "string" && /^[^\s,"'=[\]{}]+$/.test(value)) return value;
  return JSON.stringify(toPrintable(value));
}

function invalid(message: string): AexpError {
  return new AexpError(message, { code: "sweep.invalid" });
}
