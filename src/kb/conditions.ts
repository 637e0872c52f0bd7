import { type Exact, ExactNumber, type ExactObject, isExactObject } from "../model/exact-json.ts";
import { fieldOf, isUnset, type Note } from "./note.ts";

/** The named sets of parameters of an experiment. */
export type Conditions = ReadonlyMap<string, ExactObject>;

/** Why a set of parameters cannot be used. */
export interface ConditionFault {
  /** The condition, where the fault lies in one. */
  readonly name: string | undefined;
  readonly message: string;
}

/** Keys that say where a run belongs and what code it ran; no condition sets them. */
const RESERVED = ["experiment_id", "hypothesis_id", "sub_hypothesis_id", "code_commit", "code_dirty", "condition"];

/** Reads `conditions: {name: {key: value}}` of an experiment's note; a note without them has none. */
export function readConditions(note: Note): {
  readonly conditions: Conditions;
  readonly faults: readonly ConditionFault[];
} {
  const value = fieldOf(note, "conditions");
  const conditions = new Map<string, ExactObject>();
  const faults: ConditionFault[] = [];
  if (value === undefined || isUnset(value)) return { conditions, faults };
  if (!isExactObject(value)) {
    const message = `conditions is ${kindOf(value)}; expected a mapping of names to parameters, as in {baseline: {lr: 0.1}}`;
    return { conditions, faults: [{ name: undefined, message }] };
  }
  for (const [name, block] of value) {
    const message = faultOf(name, block);
    if (message !== undefined) faults.push({ name, message });
    else if (isExactObject(block)) conditions.set(name, block);
  }
  return { conditions, faults };
}

function faultOf(name: string, block: Exact): string | undefined {
  if (!isExactObject(block)) {
    return `the condition ${JSON.stringify(name)} is ${kindOf(block)}; expected a mapping of parameters to values`;
  }
  const reserved = [...block.keys()].find((key) => RESERVED.includes(key));
  if (reserved !== undefined) {
    return `the condition ${JSON.stringify(name)} sets ${reserved}, which aexp sets itself`;
  }
  const path = [...block].map(([key, value]) => pathOfInfinite(value, key)).find((found) => found !== undefined);
  return path === undefined
    ? undefined
    : `the condition ${JSON.stringify(name)} has a value at ${path} that JSON cannot write; give a finite number, a text or null`;
}

/** Where in a value a number stands that is not finite. */
function pathOfInfinite(value: Exact, path: string): string | undefined {
  if (value instanceof ExactNumber) return value.kind === "int" || Number.isFinite(value.toNumber()) ? undefined : path;
  if (value === null || typeof value !== "object") return undefined;
  const items = isExactObject(value) ? [...value] : value.map((item, index) => [String(index), item] as const);
  return items.map(([key, item]) => pathOfInfinite(item, `${path}.${key}`)).find((found) => found !== undefined);
}

function kindOf(value: Exact): string {
  if (typeof value === "string") return "a text";
  if (value instanceof ExactNumber) return "a number";
  if (value === null) return "empty";
  return typeof value === "boolean" ? "a truth value" : Array.isArray(value) ? "a list" : "a mapping";
}
