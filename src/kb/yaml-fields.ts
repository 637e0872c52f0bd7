import type { ExactObject } from "../model/exact-json.ts";

/** Where the value of a key stands in its file; lines count from 1. */
export interface FieldLines {
  /** The line of the key. */
  readonly line: number;
  /** The line of each item, when the value is a list. */
  readonly items: readonly number[];
}

/** The keys and values of a frontmatter. */
export interface YamlFields {
  readonly values: ExactObject;
  readonly lines: ReadonlyMap<string, FieldLines>;
}

/** Why a text cannot be read, and where. */
export interface NoteProblem {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}
