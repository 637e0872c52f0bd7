import type { ErrorObject } from "ajv";

import { isPipeline } from "../generated/validators.js";
import type { Fault, FaultPath } from "./fault.ts";
import { describeUnknownKey } from "./known-keys.ts";

/** A fault of the shape. */
export interface SchemaFault extends Fault {
  /** The key that should be there, in the value at the path. */
  readonly missing?: string;
}

/** Everything that `schemas/pipeline.schema.json` refuses in a value, in words; nothing when it has that shape. */
export function findSchemaFaults(value: unknown): readonly SchemaFault[] {
  if (isPipeline(value)) return [];
  const faults = new Map<string, SchemaFault>();
  for (const error of isPipeline.errors ?? []) {
    const fault = toFault(error);
    if (fault === undefined) continue;
    const place = JSON.stringify([fault.path, fault.missing ?? fault.at]);
    // Of several faults of one value the first says most: a text where a list is expected has not too few items.
    if (!faults.has(place)) faults.set(place, fault);
  }
  return [...faults.values()];
}

function toFault(error: ErrorObject): SchemaFault | undefined {
  const path = readPointer(error.instancePath);
  const { additionalProperty, missingProperty, propertyName } = error.params;
  if (typeof additionalProperty === "string") {
    const message = describeUnknownKey(path, additionalProperty);
    return { path: [...path, additionalProperty], at: "key", message };
  }
  if (typeof missingProperty === "string") {
    const message = `${nameOf(path)} lacks the key ${missingProperty}`;
    return { path, at: "key", message, missing: missingProperty };
  }
  if (typeof propertyName === "string") {
    const message = `${JSON.stringify(propertyName)} cannot be a name here: ${expectedName(path)}`;
    return { path: [...path, propertyName], at: "key", message };
  }
  // Says of a name the same once more.
  if (error.propertyName !== undefined) return undefined;
  return { path, at: "value", message: `${nameOf(path)} ${expectationOf(path, error)}` };
}

function readPointer(pointer: string): FaultPath {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function expectedName(path: FaultPath): string {
  const isStage = path.length === 1 && path[0] === "stages";
  return `expected up to 100 letters, digits and ${isStage ? ". _ -" : "_ -"}`;
}

/** What a message calls the value at a path. */
function nameOf(path: FaultPath): string {
  const [top, name, section, part] = path;
  if (top === undefined) return "the pipeline";
  if (top !== "stages" || name === undefined) return String(path.at(-1));
  const stage = `the stage ${JSON.stringify(name)}`;
  if (section === undefined) return stage;
  if ((section === "inputs" || section === "outputs") && part !== undefined && path.length === 4) {
    return `the ${section.slice(0, -1)} ${JSON.stringify(part)}`;
  }
  const key = path.findLast((item) => !/^\d+$/.test(String(item)));
  return String(key);
}

const WORDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  integer: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping of keys and values",
};

function expectationOf(path: FaultPath, { keyword, params, message }: ErrorObject): string {
  switch (keyword) {
    case "type":
      return `must be ${describeTypes(params["type"])}`;
    case "enum":
      return `must be ${listOf(params["allowedValues"])}`;
    case "const":
      return `must be ${String(params["allowedValue"])}`;
    case "minimum":
      return `must be at least ${String(params["limit"])}`;
    case "maximum":
      return `must be at most ${String(params["limit"])}`;
    case "minProperties":
    case "minItems":
      return "must not be empty";
    case "pattern":
      return patternOf(path);
    default:
      return message ?? "is invalid";
  }
}

function patternOf(path: FaultPath): string {
  switch (String(path.at(-1))) {
    case "experiment":
      return "must be an id like E001";
    case "hypothesis":
    case "sub_hypothesis":
      return "must be an id like H001";
    default:
      return "must not be empty";
  }
}

function describeTypes(types: unknown): string {
  const names: readonly unknown[] = Array.isArray(types) ? types : [types];
  return names.map((name) => WORDS[String(name)] ?? String(name)).join(", or ");
}

function listOf(values: unknown): string {
  return Array.isArray(values) ? values.map((value) => JSON.stringify(value)).join(", ") : String(values);
}
