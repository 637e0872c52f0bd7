import { type Tolerance, type Tolerances, tolerates } from "./tolerance.ts";

/** How much a reproduction is like what was recorded: equal, within what is tolerated, or neither. */
export type Likeness = "same" | "close" | "different";

/** What a program may report as a metric. */
export type MetricValue = number | boolean | string;

/** The end of a program in words, such as `exit 0`, recorded and reproduced. */
export interface ComparedEnd {
  readonly recorded: string;
  readonly reproduced: string;
  readonly likeness: Likeness;
}

/** The last value of a metric; `undefined` where it was never measured. */
export interface ComparedMetric {
  readonly name: string;
  readonly recorded: MetricValue | undefined;
  readonly reproduced: MetricValue | undefined;
  readonly tolerance: Tolerance | undefined;
  readonly likeness: Likeness;
}

/** An output's digest; `undefined` where the program did not write it. */
export interface ComparedOutput {
  readonly name: string;
  readonly recorded: string;
  readonly reproduced: string | undefined;
  readonly likeness: Likeness;
}

/** How a program ended, as far as that is recorded. */
export interface EndFacts {
  readonly reason: string | undefined;
  readonly exitCode: number | null | undefined;
  readonly signal: string | null | undefined;
}

const OWN_WORDS: Readonly<Record<string, string>> = {
  timeout: "took too long",
  oom: "out of memory",
  spawn_error: "could not be started",
};
const SOME_SIGNAL = "killed by a signal";

/** An end in words. */
export function toEndText({ reason, exitCode, signal }: EndFacts): string {
  const own = reason === undefined ? undefined : OWN_WORDS[reason];
  if (own !== undefined) return own;
  if (typeof signal === "string") return `killed by ${signal}`;
  // The ledger does not say by which.
  if (reason === "signal") return SOME_SIGNAL;
  return `exit ${exitCode ?? 0}`;
}

/** Whether both ended in the same way: with the same exit code, or by the same signal where both are known. */
export function compareEnds(recorded: EndFacts, reproduced: EndFacts): ComparedEnd {
  const [before, after] = [toEndText(recorded), toEndText(reproduced)];
  const isSame = before === after || (before === SOME_SIGNAL && after.startsWith("killed by "));
  return { recorded: before, reproduced: after, likeness: isSame ? "same" : "different" };
}

/** All metrics of either side, those that were recorded first. A metric that only one side has is different. */
export function compareMetrics(
  recorded: ReadonlyMap<string, MetricValue>,
  reproduced: ReadonlyMap<string, MetricValue>,
  { byMetric, ofOthers }: Tolerances,
): readonly ComparedMetric[] {
  return [...new Set([...recorded.keys(), ...reproduced.keys()])].map((name) => {
    const [before, after] = [recorded.get(name), reproduced.get(name)];
    const tolerance = byMetric.get(name) ?? ofOthers;
    return { name, recorded: before, reproduced: after, tolerance, likeness: likenessOf(before, after, tolerance) };
  });
}

function likenessOf(
  before: MetricValue | undefined,
  after: MetricValue | undefined,
  tolerance: Tolerance | undefined,
): Likeness {
  if (before === undefined || after === undefined) return "different";
  if (before === after) return "same";
  if (tolerance?.kind === "any") return "close";
  const isClose = typeof before === "number" && typeof after === "number" && tolerates(tolerance, before, after);
  return isClose ? "close" : "different";
}

/** The least likeness of all: one difference makes the whole different. */
export function leastLikeness(all: Iterable<Likeness>): Likeness {
  let least: Likeness = "same";
  for (const likeness of all) {
    if (likeness === "different") return likeness;
    if (likeness === "close") least = likeness;
  }
  return least;
}
