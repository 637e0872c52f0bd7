import type { Digest } from "../output/digest.ts";
import type { JobId } from "../run/job-id.ts";

/** What an alias stands for: a run, or one output of it. */
export interface AliasTarget {
  readonly run: JobId;
  readonly output?: string | undefined;
  /** Of the output, for one that the queue does not know; of others it knows the digest itself. */
  readonly digest?: Digest | undefined;
}

/** Whether a text can be the name of an alias; `last` always means the newest run. */
export function isAliasName(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/.test(text) && text !== "last";
}

export interface SetAliasOptions {
  readonly caller: string;
  /** The version that must be in force, 0 when there must be none; any, when absent. */
  readonly expect?: number | undefined;
}

/** One version of an alias; the one with the highest number is in force. */
export interface Alias {
  readonly name: string;
  readonly run: JobId;
  readonly output: string | undefined;
  /** What the output was when the alias was set. */
  readonly digest: Digest | undefined;
  /** 1 for the first. */
  readonly version: number;
  readonly caller: string;
  /** Milliseconds of the store's clock. */
  readonly setAt: number;
}

/** What came of setting an alias. A conflict tells the version that is in force, 0 when there is none. */
export type AliasOutcome =
  | { readonly kind: "set"; readonly version: number }
  | { readonly kind: "conflict"; readonly version: number };
