import { type ExactObject, toPythonJson } from "../model/exact-json.ts";
import type { SweepAxis } from "../queue/sweep.ts";

/** What keeps the elements of a stage from having one element each of the stage that they read from. */
export type JoinProblem =
  /** The other stage has several elements for each, because it is swept over a key that this one is not. */
  | { readonly kind: "several"; readonly keys: readonly string[] }
  /** The other stage has no element for a value. */
  | { readonly kind: "none"; readonly key: string; readonly value: string };

/**
 * How the elements of one stage find theirs of another: equal values of the keys that both are swept over must leave
 * exactly one. A key that only the other is swept over must therefore have one value.
 *
 * @returns `undefined` when every element finds exactly one
 */
export function findJoinProblem(own: readonly SweepAxis[], other: readonly SweepAxis[]): JoinProblem | undefined {
  const ownTexts = new Map(own.map(({ key, values }) => [key, values.map(textOf)]));
  const several = other.filter(({ key, values }) => !ownTexts.has(key) && values.length > 1).map(({ key }) => key);
  if (several.length > 0) return { kind: "several", keys: several };
  for (const { key, values } of other) {
    const known = new Set(values.map(textOf));
    const lacking = ownTexts.get(key)?.find((text) => !known.has(text));
    if (lacking !== undefined) return { kind: "none", key, value: lacking };
  }
  return undefined;
}

/**
 * Finds the element of a stage that goes with bindings of another one. The sweeps must have no join problem.
 *
 * @returns a function from the bindings to the index of the element, in the order of `sweepPoints`
 */
export function toJoin(other: readonly SweepAxis[]): (bindings: ExactObject) => number {
  const axes = other.map(({ key, values }) => ({
    key,
    size: values.length,
    places: new Map(values.map((value, index) => [textOf(value), index])),
  }));
  return (bindings) =>
    axes.reduce((index, { key, size, places }) => {
      const value = bindings.get(key);
      return index * size + (value === undefined ? 0 : (places.get(textOf(value)) ?? 0));
    }, 0);
}

function textOf(value: SweepAxis["values"][number]): string {
  return toPythonJson(value, { sortKeys: true });
}
