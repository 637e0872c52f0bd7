import { type Exact, ExactNumber, type ExactObject, toPythonJson } from "../model/exact-json.ts";
import { flattenParameters } from "./parameters.ts";

/** The parameter that repeats a run without changing what is studied. */
export const SEED = "seed";

/** A metric over the runs of a group. One run has no spread. */
export interface Spread {
  readonly mean: number;
  /** Sample standard deviation; absent for one run. */
  readonly sd?: number;
  readonly n: number;
}

/** Runs that differ in nothing but their seed, in the order of their first one. */
export function groupBySeed<Run extends { readonly statePoint: ExactObject }>(
  runs: readonly Run[],
): readonly (readonly Run[])[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const parameters = new Map(flattenParameters(run.statePoint));
    parameters.delete(SEED);
    const key = toPythonJson(parameters, { sortKeys: true });
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [run]);
    else group.push(run);
  }
  return [...groups.values()];
}

/** Mean and sample standard deviation; `undefined` of nothing. */
export function toSpread(values: readonly number[]): Spread | undefined {
  const n = values.length;
  if (n === 0) return undefined;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { mean, n };
  // A product is rounded alike everywhere; a power need not be.
  const squares = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  return { mean, sd: Math.sqrt(squares / (n - 1)), n };
}

/** Orders parameters by some keys, the first first; numbers by their size, a missing one before all. */
export function compareParameters(
  a: ReadonlyMap<string, Exact>,
  b: ReadonlyMap<string, Exact>,
  keys: readonly string[],
): number {
  for (const key of keys) {
    const order = compareValues(a.get(key), b.get(key));
    if (order !== 0) return order;
  }
  return 0;
}

function compareValues(a: Exact | undefined, b: Exact | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  if (a instanceof ExactNumber && b instanceof ExactNumber) return a.toNumber() - b.toNumber();
  const [left, right] = [toPythonJson(a), toPythonJson(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
