import { AexpError } from "../model/errors.ts";
import { type Exact, ExactNumber, type ExactObject, toPythonJson } from "../model/exact-json.ts";
import { parseScalar, splitOutsideQuotes } from "../run/state-point-syntax.ts";

/** One parameter of a sweep with all its values. */
export interface SweepAxis {
  readonly key: string;
  readonly values: readonly Exact[];
}

/** More runs than this in one submission are taken for a mistake. */
export const MAX_SWEEP_RUNS = 100_000;

const RANGE = /^([-+]?\d+)\.\.([-+]?\d+)(?:\.\.([-+]?\d+))?$/;
/** Numbers around two dots that are no range of integers. */
const BROKEN_RANGE = /^[-+]?[\d.]*\d\.\.(?!\/)/;

/**
 * Reads sweeps: `key=v|v|v`, `key=a..b` and `key=a..b..step` (integers, both ends included), separated by commas. Values
 * are typed as those of `--sp`, and quotes keep commas, bars and dots: `name="a|b"|c`.
 *
 * @throws {AexpError} `sweep.invalid`, naming the key
 */
export function parseSweep(texts: readonly string[]): readonly SweepAxis[] {
  const axes = texts.flatMap((text) => splitOutsideQuotes(text, ",", "=|").map((part) => parseAxis(part, text)));
  const keys = new Set<string>();
  for (const { key } of axes) {
    if (keys.has(key))
      throw invalid(`the key ${JSON.stringify(key)} is swept twice`, "Put all its values into one list.");
    keys.add(key);
  }
  const count = countPoints(axes);
  if (count <= MAX_SWEEP_RUNS) return axes;
  throw invalid(
    `the sweep of ${axes.map(({ key, values }) => `${key} (${values.length} values)`).join(" × ")} makes ${count} runs; at most ${MAX_SWEEP_RUNS} are queued at once`,
    "Sweep in parts.",
  );
}

/** How many runs the axes make. */
export function countPoints(axes: readonly SweepAxis[]): number {
  return axes.reduce((product, { values }) => product * values.length, 1);
}

/** Every combination of values, the last key changing fastest; of no axes the one that is empty. */
export function* sweepPoints(axes: readonly SweepAxis[]): Generator<ExactObject> {
  const [first, ...rest] = axes;
  if (first === undefined) {
    yield new Map();
    return;
  }
  for (const value of first.values) {
    for (const point of sweepPoints(rest)) yield new Map([[first.key, value], ...point]);
  }
}

function parseAxis(part: string, text: string): SweepAxis {
  const equals = part.indexOf("=");
  const key = part.slice(0, Math.max(equals, 0)).trim();
  if (key === "") {
    throw invalid(
      `${JSON.stringify(part)} in the sweep ${JSON.stringify(text)} names no key: expected KEY=V|V or KEY=A..B`,
      `A value with a comma goes in quotes: --sweep 'name="a,b"|c'.`,
    );
  }
  return parseSweepValues(key, part.slice(equals + 1));
}

/** Reads the values of one key, as behind the `=` of {@link parseSweep}. @throws {AexpError} `sweep.invalid` */
export function parseSweepValues(key: string, text: string): SweepAxis {
  const values = splitOutsideQuotes(text, "|", "|").flatMap((value) => parseValues(key, value.trim()));
  const seen = new Set<string>();
  for (const value of values) {
    const written = toPythonJson(value);
    if (seen.has(written)) {
      throw invalid(
        `the value ${written} of ${JSON.stringify(key)} comes twice in the sweep`,
        "Leave one of them out.",
      );
    }
    seen.add(written);
  }
  return { key, values };
}

function parseValues(key: string, value: string): readonly Exact[] {
  if (value === "") {
    throw invalid(
      `a value of ${JSON.stringify(key)} is empty`,
      `Write ${key}="" for an empty text, or ${key}=null for nothing.`,
    );
  }
  const range = RANGE.exec(value);
  if (range !== null) return rangeOf(key, value, range);
  if (BROKEN_RANGE.test(value)) {
    throw invalid(
      `${key}=${value} is not a range of integers`,
      `Write ${key}=0..4 or ${key}=0..100..25; list other numbers with bars: ${key}=0.1|0.2.`,
    );
  }
  return [parseScalar(value, `${key}=${value}`)];
}

function rangeOf(key: string, text: string, range: RegExpExecArray): readonly Exact[] {
  const [from, to, step] = [range[1], range[2], range[3] ?? "1"].map((digits = "0") => BigInt(digits.replace("+", "")));
  if (from === undefined || to === undefined || step === undefined) throw new Error("a range has three numbers");
  if (step <= 0n) throw invalid(`the step of ${key}=${text} is not positive`, `Write it like ${key}=0..100..25.`);
  if (to < from) {
    throw invalid(
      `the range ${key}=${text} ends before it begins`,
      `Write the smaller number first: ${key}=${to}..${from}.`,
    );
  }
  const count = (to - from) / step + 1n;
  if (count > BigInt(MAX_SWEEP_RUNS)) {
    throw invalid(
      `the range ${key}=${text} has ${count} values; at most ${MAX_SWEEP_RUNS} are queued at once`,
      "Sweep in parts.",
    );
  }
  return Array.from({ length: Number(count) }, (_, index) => ExactNumber.int(String(from + step * BigInt(index))));
}

function invalid(message: string, hint: string): AexpError {
  return new AexpError(message, { code: "sweep.invalid", hint });
}
