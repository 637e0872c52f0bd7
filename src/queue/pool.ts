import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";

/** Which kinds of tasks a pool serves. `only` of nothing matches nothing. */
export type KindFilter =
  | { readonly mode: "any" }
  | { readonly mode: "only" | "except"; readonly kinds: readonly string[] };

/** Whether a pool with this filter serves a kind. */
export function admitsKind(filter: KindFilter, kind: string): boolean {
  switch (filter.mode) {
    case "any":
      return true;
    case "only":
      return filter.kinds.includes(kind);
    case "except":
      return !filter.kinds.includes(kind);
  }
}

/** The slots of one worker that serve some kinds. */
export interface Pool {
  /** As written: a kind, or `*`. */
  readonly name: string;
  readonly slots: number;
  readonly filter: KindFilter;
}

const KIND = /^[A-Za-z0-9_][\w.-]{0,99}$/;
/** What runs are of when nobody says otherwise. */
export const DEFAULT_KIND = "default";
/** What an agent, which looks after a scheduler's jobs, reports in the place of pools. */
export const AGENT_POOLS = "slurm";

/** Checks the name of a kind of runs. @throws {AexpError} `cli.usage` */
export function checkKind(kind: string): void {
  if (KIND.test(kind)) return;
  throw new AexpError(`${JSON.stringify(kind)} is no kind of runs: expected up to 100 letters, digits and . _ -`, {
    code: "cli.usage",
    hint: "Name it like train; workers choose by it with --pools train=2.",
  });
}

/**
 * Reads the pools of a worker: `parse=4,store=2,*=2`. `*` serves every kind that no other pool of this worker names.
 *
 * @param knownKinds the kinds there are; any, when absent
 * @throws {AexpError} `queue.pools_invalid`
 */
export function parsePools(text: string, knownKinds?: readonly string[]): readonly Pool[] {
  const slots = new Map<string, number>();
  for (const part of text.split(",")) {
    const [, name = "", count = ""] = /^\s*([^=]*?)\s*=\s*(\d+)\s*$/.exec(part) ?? [];
    if (name === "" || Number(count) < 1 || Number(count) > MAX_SLOTS) {
      throw invalidPools(`${JSON.stringify(part.trim())} is no pool: expected KIND=N with N from 1 to ${MAX_SLOTS}`);
    }
    if (slots.has(name)) throw invalidPools(`the pool ${JSON.stringify(name)} is there twice`);
    if (name !== "*") requireKind(name, knownKinds);
    slots.set(name, Number(count));
  }
  const kinds = [...slots.keys()].filter((name) => name !== "*");
  return [...slots].map(([name, count]) => ({ name, slots: count, filter: toFilter(name, kinds) }));
}

const MAX_SLOTS = 1000;

function toFilter(name: string, kinds: readonly string[]): KindFilter {
  if (name !== "*") return { mode: "only", kinds: [name] };
  return kinds.length === 0 ? { mode: "any" } : { mode: "except", kinds };
}

function requireKind(name: string, known: readonly string[] | undefined): void {
  if (known === undefined ? KIND.test(name) : known.includes(name)) return;
  if (known === undefined) throw invalidPools(`${JSON.stringify(name)} is no kind of runs`);
  throw invalidPools(
    `there is no kind ${JSON.stringify(name)}.${didYouMean(name, known)} Known: ${known.toSorted().join(", ")}`,
  );
}

function invalidPools(message: string): AexpError {
  return new AexpError(message, {
    code: "queue.pools_invalid",
    hint: "Write pools like --pools 'parse=4,store=2,*=2'.",
  });
}
