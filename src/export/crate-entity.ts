import type { ExactNumber } from "../model/exact-json.ts";

/** A value of a property: plain, a reference to another entity, or several of these. */
export type CrateValue = string | boolean | number | ExactNumber | CrateReference | readonly CrateReference[];

export interface CrateReference {
  readonly "@id": string;
}

/** One object of the `@graph`. Properties that are `undefined` are left out. */
export interface CrateEntity {
  readonly "@id": string;
  readonly "@type": string;
  readonly [property: string]: CrateValue | undefined;
}

/** A reference, in the only form that flattened JSON-LD has. */
export function refer(id: string): CrateReference {
  return { "@id": id };
}

/** References as compacted JSON-LD wants them: none is absent, a single one stands without a list. */
export function referAll(ids: Iterable<string>): CrateReference | readonly CrateReference[] | undefined {
  const references = [...ids].map(refer);
  return references.length < 2 ? references[0] : references;
}

/** A local identifier of several words, each of which may be any text. */
export function localId(...words: readonly string[]): string {
  return `#${words.map((word) => encodeURIComponent(word.toWellFormed())).join("/")}`;
}

/** An entity as one line of JSON; numbers keep their text. */
export function toEntityLine(entity: CrateEntity): string {
  return JSON.stringify(entity);
}
