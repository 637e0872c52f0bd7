import {
  compareCodePoints,
  type Exact,
  type ExactObject,
  isExactObject,
  toPrintable,
  toPythonJson,
} from "../model/exact-json.ts";

/** The first thing in which two recipes differ. */
export interface RecipeDifference {
  /** `command`, `parameters.lr`, `inputs.data`, `code`; for people. */
  readonly field: string;
  /** As JSON, so that `1`, `1.0` and `"1"` look different; absent where there was, or is, nothing. */
  readonly was?: string;
  readonly is?: string;
}

/** What people change most and understand first comes first. */
const FIELDS = [
  "command",
  "parameters",
  "env",
  "inputs",
  "outputs",
  "code",
  "lock_files",
  "container",
  "salt",
  "recipe",
] as const;

/** The first difference of two recipes as `toRecipeObject` makes them; `undefined` when they are the same. */
export function firstDifference(was: ExactObject, is: ExactObject): RecipeDifference | undefined {
  for (const field of FIELDS) {
    const difference = compare(field, was.get(field) ?? null, is.get(field) ?? null, 1);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/** A part of a part, such as `inputs.models.3.element.lr`, says enough. */
const DEEPEST = 5;

function compare(
  field: string,
  was: Exact | undefined,
  is: Exact | undefined,
  depth: number,
): RecipeDifference | undefined {
  if (was === undefined ? is === undefined : is !== undefined && textOf(was) === textOf(is)) return undefined;
  const [before, after] = [partsOf(was), partsOf(is)];
  if (before !== undefined && after !== undefined && depth < DEEPEST) {
    const keys = [...new Set([...before.keys(), ...after.keys()])];
    for (const key of Array.isArray(was) ? keys : keys.toSorted(compareCodePoints)) {
      const difference = compare(`${field}.${key}`, before.get(key), after.get(key), depth + 1);
      if (difference !== undefined) return difference;
    }
  }
  return {
    field,
    ...(was !== undefined && was !== null && { was: showOf(was) }),
    ...(is !== undefined && is !== null && { is: showOf(is) }),
  };
}

/** The parts of an object by key, those of a list by place. */
function partsOf(value: Exact | undefined): ExactObject | undefined {
  if (isExactObject(value)) return value;
  return Array.isArray(value) ? new Map(value.map((item, index) => [String(index), item])) : undefined;
}

function textOf(value: Exact): string {
  return toPythonJson(value, { sortKeys: true });
}

function showOf(value: Exact): string {
  return JSON.stringify(toPrintable(value));
}
