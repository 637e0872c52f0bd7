/** Plain JSON as `JSON.parse` gives it. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** A plain JSON object. */
export type JsonObject = { readonly [key: string]: JsonValue };

/** True for objects that are neither null nor an array. */
export function isJsonObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is JSON through and through, as `JSON.parse` gives it. */
export function isJsonValue(value: unknown): value is JsonValue {
  if (value === null || typeof value === "boolean" || typeof value === "string") return true;
  if (typeof value === "number") return Number.isFinite(value);
  return typeof value === "object" && Object.values(value).every(isJsonValue);
}

/** An object without the keys whose value is `undefined`, which JSON does not know. */
export function withoutUndefined(value: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const kept: Record<string, JsonValue> = {};
  // Lists of keys take half as long as lists of entries.
  for (const key of Object.keys(value)) {
    const item = value[key];
    if (item !== undefined) kept[key] = item;
  }
  return kept;
}
