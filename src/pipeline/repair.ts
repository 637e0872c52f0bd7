import { type Exact, type ExactObject, isExactObject } from "../model/exact-json.ts";
import type { FaultPath } from "./fault.ts";
import type { SchemaFault } from "./schema-faults.ts";

/** A file without what its schema refused, so that the rest of it can be checked as well. */
export interface Repaired {
  readonly content: ExactObject;
  /** Stages that lost something. What would follow from that only is not told. */
  readonly damaged: ReadonlySet<string>;
  /** Something of `defaults` or `pins` is lost, which every stage may build on. */
  readonly isCommonDamaged: boolean;
}

/** Takes out what faults of the schema point at: unknown keys, and values that are not what they should be. */
export function repair(content: ExactObject, faults: readonly SchemaFault[]): Repaired {
  const damaged = new Set<string>();
  let isCommonDamaged = false;
  let repaired: Exact = content;
  for (const fault of faults) {
    const { path, missing } = fault;
    const [top, name] = path;
    if (top === "stages" && name !== undefined) damaged.add(String(name));
    else if (top === "defaults" || top === "pins") isCommonDamaged = true;
    const isText = missing === "command" || missing === "name";
    repaired = isText ? replace(repaired, [...path, missing], STAND_IN) : replace(repaired, toCut(fault));
  }
  return { content: isExactObject(repaired) ? repaired : content, damaged, isCommonDamaged };
}

/** For a text that is missing. Nobody sees it, because a file with faults gives no pipeline. */
const STAND_IN = "missing";

/** Keys of a stage of which something is left without one of their own keys. */
const MAPPINGS = ["inputs", "outputs", "env", "resources", "retry"];

/** How much goes with a value: an input or output as a whole, or a key of a stage. */
function toCut({ path, at }: SchemaFault): FaultPath {
  if (at === "key") return path;
  const [top, , section] = path;
  if (top !== "stages") return path.slice(0, 2);
  return path.slice(0, MAPPINGS.includes(String(section)) ? 4 : 3);
}

/** A value with another value at a path, or without one there; a list goes as a whole. */
function replace(value: Exact, path: FaultPath, by?: Exact): Exact {
  const [key, ...rest] = path;
  if (key === undefined || !isExactObject(value)) return value;
  const name = String(key);
  const copy = new Map(value);
  const inner = value.get(name);
  if (rest.length > 0 && isExactObject(inner)) copy.set(name, replace(inner, rest, by));
  else if (by === undefined) copy.delete(name);
  else copy.set(name, by);
  return copy;
}
