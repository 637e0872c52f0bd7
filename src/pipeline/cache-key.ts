import { hash } from "node:crypto";

import { type ExactObject, toPythonJson } from "../model/exact-json.ts";
import { parseExactObject } from "../model/exact-json-reader.ts";
import { type CacheRecipe, toRecipeObject, type Unkeyed } from "./cache-recipe.ts";

declare const brand: unique symbol;

/** The hash that decides a cache hit: 64 lowercase hex digits. */
export type CacheKey = string & { readonly [brand]: "CacheKey" };

export function isCacheKey(text: string): text is CacheKey {
  return /^[0-9a-f]{64}$/.test(text);
}

/**
 * The cache key of a recipe: the SHA-256 of its canonical JSON, in which, as in state points, numbers keep their texts
 * (`1` and `1.0` differ) and the order of keys does not count.
 *
 * @returns the reason when a part of the recipe is not known: such a stage is executed, and is no hit for others
 */
export function toCacheKey(recipe: CacheRecipe): CacheKey | Unkeyed {
  const object = toRecipeObject(recipe);
  return "unkeyed" in object ? object : toObjectKey(object);
}

/** The cache key of a recipe that was written before. */
export function toObjectKey(recipe: ExactObject): CacheKey {
  const key = hash("sha256", toRecipeText(recipe), "hex");
  if (!isCacheKey(key)) throw new Error("SHA-256 in hex has 64 digits");
  return key;
}

/** A recipe as it is kept beside its key, so that a later one can be compared with it. */
export function toRecipeText(recipe: ExactObject): string {
  return toPythonJson(recipe, { sortKeys: true });
}

/** Reads what {@link toRecipeText} wrote; `undefined` when it is not the recipe of that key. */
export function parseRecipe(text: string, key: CacheKey): ExactObject | undefined {
  try {
    const recipe = parseExactObject(text);
    return toObjectKey(recipe) === key ? recipe : undefined;
  } catch {
    // Somebody changed it; there is just nothing to compare with.
    return undefined;
  }
}
