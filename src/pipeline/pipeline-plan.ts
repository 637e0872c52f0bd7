import type { FileChange } from "../code/code-store.ts";
import type { JobId } from "../run/job-id.ts";
import type { CacheKey } from "./cache-key.ts";
import { type ElementEdge, type Expansion, sourceStages, type StageElement } from "./expand.ts";
import type { RecipeDifference } from "./recipe-difference.ts";

/** What the cache says of an element, before anything of its pipeline was executed. */
export type CacheVerdict =
  | { readonly kind: "hit"; readonly key: CacheKey; readonly from: JobId }
  | { readonly kind: "miss"; readonly key: CacheKey; readonly because: MissReason }
  /** Its key depends on what these stages write. */
  | { readonly kind: "unknown"; readonly until: readonly string[] }
  /** It has no key, or may not use it; a sentence says why. */
  | { readonly kind: "uncached"; readonly because: string };

/** Why a key was not found. */
export type MissReason =
  /** Nothing like it was executed here. */
  | { readonly kind: "new" }
  /** The run that is most like it differs first in a field of its key. */
  | {
      readonly kind: "differs";
      readonly run: JobId;
      readonly difference: RecipeDifference;
      /** When the code differs, in which files; absent when git cannot tell any more. */
      readonly files?: readonly FileChange[] | undefined;
    }
  /** A run has this key, and something is wrong with its outputs; a sentence says what. */
  | { readonly kind: "outputs"; readonly run: JobId; readonly problem: string }
  /** The cache was told not to be asked. */
  | { readonly kind: "refresh" };

/** How many elements have each verdict. */
export type VerdictCounts = Readonly<Record<CacheVerdict["kind"], number>>;

/** One run of a stage, and what the cache says about it. */
export interface PlannedElement extends StageElement {
  readonly verdict: CacheVerdict;
}

/** A stage that another one waits for. */
export interface StageSource {
  readonly stage: string;
  /** What of it: one element, all of them as a list, or only that it came first. */
  readonly take: "one" | "all" | "needs" | "ended";
}

/** A stage with its runs and where its inputs come from. */
export interface PlannedStage {
  readonly name: string;
  readonly wave: number;
  readonly sources: readonly StageSource[];
  readonly elements: readonly PlannedElement[];
  readonly counts: VerdictCounts;
}

/** What submitting a pipeline would do. Nothing is written for it. */
export interface PipelinePlan {
  readonly name: string;
  /** In an order in which each comes after those that it waits for. */
  readonly stages: readonly PlannedStage[];
  /** Between elements, by their place when the elements of all stages are counted through. */
  readonly edges: readonly ElementEdge[];
  readonly counts: VerdictCounts;
}

/**
 * Puts what the cache says of each element into the picture of a pipeline.
 *
 * @param verdictOf - asked once for each element, in the order of the expansion
 */
export function toPipelinePlan(
  name: string,
  { stages, elements, edges }: Expansion,
  verdictOf: (element: StageElement, place: number) => CacheVerdict,
): PipelinePlan {
  const planned = stages.map(({ stage, wave, first, count }): PlannedStage => {
    const own = elements
      .slice(first, first + count)
      .map((element, index) => ({ ...element, verdict: verdictOf(element, first + index) }));
    const sources = sourceStages(stage).map((source): StageSource => ({ stage: source, take: takeOf(stage, source) }));
    return { name: stage.name, wave, sources, elements: own, counts: countVerdicts(own) };
  });
  return { name, stages: planned, edges, counts: addCounts(planned.map(({ counts }) => counts)) };
}

function takeOf({ inputs, needs }: Expansion["stages"][number]["stage"], source: string): StageSource["take"] {
  const kinds = new Set(inputs.flatMap((input) => ("stage" in input && input.stage === source ? [input.kind] : [])));
  if (kinds.has("all")) return "all";
  if (kinds.has("stage")) return "one";
  return needs.some(({ name, condition }) => name === source && condition === "ended") ? "ended" : "needs";
}

const NONE: VerdictCounts = { hit: 0, miss: 0, unknown: 0, uncached: 0 };

function countVerdicts(elements: readonly PlannedElement[]): VerdictCounts {
  const counts = { ...NONE };
  for (const { verdict } of elements) counts[verdict.kind] += 1;
  return counts;
}

function addCounts(all: readonly VerdictCounts[]): VerdictCounts {
  return all.reduce(
    (sum, { hit, miss, unknown, uncached }) => ({
      hit: sum.hit + hit,
      miss: sum.miss + miss,
      unknown: sum.unknown + unknown,
      uncached: sum.uncached + uncached,
    }),
    NONE,
  );
}
