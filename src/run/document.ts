import type { ProcessRecord, RunDocumentShape, RunLink } from "../generated/document.ts";
import { isDocument } from "../generated/validators.js";
import { isJsonObject, type JsonValue } from "../model/json.ts";

export type { ProcessRecord, RunLink };

/** The facts of a run that aexp understands. Keys that others wrote are not here, and are kept on every rewrite. */
export type RunFacts = Readonly<RunDocumentShape>;

/** A document as read: the facts that have the expected shape, and a sentence for each that has not. */
export interface RunDocument {
  readonly facts: RunFacts;
  /** `status` as it stands in the file, also when it is not one of ours (signac projects have their own words). */
  readonly statusText: string | undefined;
  /** "status: must be equal to one of the allowed values", one per key that was left out of `facts`. */
  readonly problems: readonly string[];
}

/** New values for top-level keys of a document; `undefined` removes a key. All are written in one atomic write. */
export type DocumentPatch = Readonly<Record<string, JsonValue | undefined>>;

/** A run that has no document yet. */
export const EMPTY_DOCUMENT: RunDocument = { facts: {}, statusText: undefined, problems: [] };

/**
 * Checks a parsed document against `schemas/document.schema.json`.
 * A key that does not match is dropped from the facts and named, so that one bad value never hides a run.
 */
export function toRunDocument(value: unknown): RunDocument {
  if (!isJsonObject(value)) return { ...EMPTY_DOCUMENT, problems: ["the document is not an object"] };
  const statusText = typeof value["status"] === "string" ? value["status"] : undefined;
  if (isDocument(value)) return { facts: value, statusText, problems: [] };

  const problems: string[] = [];
  const sound: Record<string, unknown> = Object.fromEntries(Object.entries(value));
  for (const error of isDocument.errors ?? []) {
    const [, key = ""] = error.instancePath.split("/");
    if (key in sound)
      problems.push(`${error.instancePath.slice(1).replaceAll("/", ".")}: ${error.message ?? "invalid"}`);
    delete sound[key];
  }
  return { facts: isDocument(sound) ? sound : {}, statusText, problems };
}

/** The run link: the key `aexp`, or the old key `limina` where that is absent. */
export function runLinkOf(facts: RunFacts): RunLink | undefined {
  return facts.aexp ?? facts.limina;
}
