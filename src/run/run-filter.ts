import { AexpError } from "../model/errors.ts";
import { type Exact, ExactNumber, type ExactObject, isExactObject, toExact } from "../model/exact-json.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../model/json.ts";
import { didYouMean } from "../model/nearest.ts";

/** A parsed query. */
export type RunFilter =
  | { readonly kind: "all" | "any"; readonly filters: readonly RunFilter[] }
  | { readonly kind: "not"; readonly filter: RunFilter }
  | { readonly kind: "test"; readonly path: readonly string[]; readonly test: ValueTest };

/** What a run is asked about. */
export interface FilterSubject {
  readonly statePoint: ExactObject;
  readonly document: JsonValue;
}

/** Whether a value passes; `undefined` stands for a key that the run lacks. */
type ValueTest = (value: Exact | undefined) => boolean;

const LOGICAL = ["$and", "$or", "$not"] as const;
/** A filter that nests deeper is a mistake or an attack. */
const MAX_DEPTH = 100;

/**
 * Reads a query in signac's language: `{"lr": {"$lt": 0.01}, "doc.status": "complete"}`. Keys mean the state point
 * unless they begin with `doc.`; dots and nested objects mean the same; all conditions of an object must hold.
 *
 * @throws {AexpError} `cli.usage`, naming the operator or value that is wrong
 */
export function parseRunFilter(filter: JsonValue): RunFilter {
  return parseObject(filter, [], 0);
}

/** Whether a run passes. A value that an operator cannot compare does not match; it is never an error. */
export function matchesFilter(filter: RunFilter, subject: FilterSubject): boolean {
  switch (filter.kind) {
    case "all":
      return filter.filters.every((part) => matchesFilter(part, subject));
    case "any":
      return filter.filters.some((part) => matchesFilter(part, subject));
    case "not":
      return !matchesFilter(filter.filter, subject);
    case "test":
      return filter.test(valueAt(filter.path, subject));
  }
}

function parseObject(filter: JsonValue, prefix: readonly string[], depth: number): RunFilter {
  if (!isObject(filter)) throw usage(`a filter must be an object, not ${JSON.stringify(filter)}`);
  if (depth > MAX_DEPTH) throw usage(`the filter nests deeper than ${MAX_DEPTH}`);
  const filters = Object.entries(filter).map(([key, value]) => parseCondition(key, value, prefix, depth));
  const [only] = filters;
  return only !== undefined && filters.length === 1 ? only : { kind: "all", filters };
}

function parseCondition(key: string, value: JsonValue, prefix: readonly string[], depth: number): RunFilter {
  if (key === "$and" || key === "$or") {
    requireTopLevel(key, prefix);
    if (!isArray(value) || value.length === 0) throw usage(`${key} takes a list of at least one filter`);
    const filters = value.map((part) => parseObject(part, prefix, depth + 1));
    return { kind: key === "$and" ? "all" : "any", filters };
  }
  if (key === "$not") {
    requireTopLevel(key, prefix);
    return { kind: "not", filter: parseObject(value, prefix, depth + 1) };
  }
  const names = key.split(".");
  const operator = names.at(-1) ?? "";
  if (operator.startsWith("$")) {
    const test = parseOperator(operator, value);
    return { kind: "test", path: toPath([...prefix, ...names.slice(0, -1)]), test };
  }
  const path = [...prefix, ...names];
  if (isObject(value)) {
    if (Object.keys(value).length > 0) return parseObject(value, path, depth + 1);
    return { kind: "test", path: toPath(path), test: (found) => isExactObject(found) && found.size === 0 };
  }
  const wanted = toExact(value);
  return { kind: "test", path: toPath(path), test: (found) => found !== undefined && isEqual(found, wanted) };
}

/** `sp.` is understood, so that a parameter named `doc` can be asked for as `sp.doc`. */
function toPath(names: readonly string[]): readonly string[] {
  const [first = ""] = names;
  if (first === "") throw usage("an operator needs a key before it");
  return first === "sp" || first === "doc" ? names : ["sp", ...names];
}

function requireTopLevel(operator: string, prefix: readonly string[]): void {
  if (prefix.length > 0) throw usage(`${operator} stands beside keys, not under ${JSON.stringify(prefix.join("."))}`);
}

const OPERATORS: Readonly<Record<string, (argument: JsonValue) => ValueTest>> = {
  $eq: (argument) => present((value) => isEqual(value, toExact(argument))),
  $ne: (argument) => present((value) => !isEqual(value, toExact(argument))),
  $gt: (argument) => ordered(argument, (order) => order > 0),
  $gte: (argument) => ordered(argument, (order) => order >= 0),
  $lt: (argument) => ordered(argument, (order) => order < 0),
  $lte: (argument) => ordered(argument, (order) => order <= 0),
  $in: (argument) => present(membership("$in", argument)),
  $nin: (argument) => {
    const isMember = membership("$nin", argument);
    return present((value) => !isMember(value));
  },
  $exists: (argument) => {
    if (typeof argument !== "boolean") throw usage("$exists takes true or false");
    return (value) => (value !== undefined) === argument;
  },
  $regex: (argument) => {
    const pattern = parsePattern(argument);
    return (value) => typeof value === "string" && pattern.test(value);
  },
  $type: (argument) => {
    const test = typeof argument === "string" && Object.hasOwn(TYPES, argument) ? TYPES[argument] : undefined;
    if (test === undefined) throw usage(`$type takes one of ${Object.keys(TYPES).join(", ")}`);
    return present(test);
  },
  $near: (argument) => near(argument),
};

const TYPES: Readonly<Record<string, (value: Exact) => boolean>> = {
  int: (value) => value instanceof ExactNumber && value.kind === "int",
  float: (value) => value instanceof ExactNumber && value.kind === "float",
  bool: (value) => typeof value === "boolean",
  str: (value) => typeof value === "string",
  list: (value) => Array.isArray(value),
  null: (value) => value === null,
};

function parseOperator(operator: string, argument: JsonValue): ValueTest {
  const parse = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
  if (parse !== undefined) return parse(argument);
  throw usage(
    `${JSON.stringify(operator)} is no operator.${didYouMean(operator, [...Object.keys(OPERATORS), ...LOGICAL])}`,
  );
}

function present(test: (value: Exact) => boolean): ValueTest {
  return (value) => value !== undefined && test(value);
}

function ordered(argument: JsonValue, accepts: (order: number) => boolean): ValueTest {
  const wanted = toExact(argument);
  return present((value) => {
    const order = compare(value, wanted);
    return order !== undefined && accepts(order);
  });
}

/** Numbers (booleans among them) and texts have an order, each among themselves. */
function compare(a: Exact, b: Exact): number | undefined {
  const [left, right] = [toNumber(a), toNumber(b)];
  if (left !== undefined && right !== undefined) {
    return Number.isNaN(left) || Number.isNaN(right) ? undefined : Number(left > right) - Number(left < right);
  }
  if (typeof a !== "string" || typeof b !== "string") return undefined;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** As Python compares: `1`, `1.0` and `true` are equal, texts never equal numbers, lists compare item by item. */
function isEqual(a: Exact, b: Exact): boolean {
  const [left, right] = [toNumber(a), toNumber(b)];
  if (left !== undefined && right !== undefined) return left === right;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item: Exact, index) => isEqual(item, b[index] ?? null));
  }
  if (isExactObject(a) && isExactObject(b)) {
    return a.size === b.size && [...a].every(([key, item]) => b.has(key) && isEqual(item, b.get(key) ?? null));
  }
  return a === b;
}

function toNumber(value: Exact): number | undefined {
  if (typeof value === "boolean") return Number(value);
  return value instanceof ExactNumber ? value.toNumber() : undefined;
}

/** A list of values, or a text that must contain the value. */
function membership(operator: string, argument: JsonValue): (value: Exact) => boolean {
  if (typeof argument === "string") return (value) => typeof value === "string" && argument.includes(value);
  if (!isArray(argument)) throw usage(`${operator} takes a list, not ${JSON.stringify(argument)}`);
  const wanted = argument.map(toExact);
  return (value) => wanted.some((item) => isEqual(value, item));
}

function parsePattern(argument: JsonValue): RegExp {
  if (typeof argument !== "string") throw usage(`$regex takes a text, not ${JSON.stringify(argument)}`);
  try {
    return new RegExp(argument, "u");
  } catch {
    throw usage(`$regex: ${JSON.stringify(argument)} is not a regular expression`);
  }
}

/** `x`, `[x]`, `[x, relative]` or `[x, relative, absolute]`, as Python's `math.isclose`. */
function near(argument: JsonValue): ValueTest {
  const [wanted, relative = 1e-9, absolute = 0, ...rest] = isArray(argument) ? argument : [argument];
  if (typeof wanted !== "number" || typeof relative !== "number" || typeof absolute !== "number" || rest.length > 0) {
    throw usage("$near takes a number, or a list: [number, relative tolerance, absolute tolerance]");
  }
  return present((value) => {
    const found = toNumber(value);
    if (found === undefined) return false;
    const tolerance = Math.max(relative * Math.max(Math.abs(found), Math.abs(wanted)), absolute);
    return found === wanted || (Number.isFinite(found) && Math.abs(found - wanted) <= tolerance);
  });
}

function valueAt([source, ...keys]: readonly string[], subject: FilterSubject): Exact | undefined {
  if (source === "doc") {
    const value = valueIn(subject.document, keys);
    return value === undefined ? undefined : toExact(value);
  }
  let value: Exact | undefined = subject.statePoint;
  for (const key of keys) value = isExactObject(value) ? value.get(key) : undefined;
  return value;
}

function valueIn(document: JsonValue, keys: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = document;
  for (const key of keys) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return isJsonObject(value);
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function usage(problem: string): AexpError {
  return new AexpError(`filter: ${problem}`, {
    code: "cli.usage",
    hint: 'A filter looks like {"lr": {"$lt": 0.01}, "doc.status": "complete"}.',
  });
}
