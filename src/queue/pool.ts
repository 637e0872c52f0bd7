import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";

/** Which kinds of tasks a pool serves. `only` of nothing matches nothing. */
export type KindFilter =
  | { readonly mode: "any" }
  | { readonly mode: "only" | "except"; readonly kinds: readonly string[] };

/** The slots of one worker that serve some kinds. */
export interface Pool {
  /** As written: a kind, or `*`. */
  readonly name: string;
  readonly slots: number;
  readonly filter: KindFilter;
}
