import type { FileChange } from "../../code/code-store.ts";
import { toPrintable } from "../../model/exact-json.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import type {
  CacheVerdict,
  PipelinePlan,
  PlannedElement,
  PlannedStage,
  StageSource,
  VerdictCounts,
} from "../../pipeline/pipeline-plan.ts";
import type { Screen } from "../screen.ts";
import { explainVerdict } from "./cache-verdict.ts";
import type { Style } from "./paint.ts";
import { plural } from "./plural.ts";
import { type Column, renderTable } from "./table.ts";
import { cutText } from "./text-width.ts";
import { renderCount } from "./value.ts";

/** A plan as `--json` prints it. */
export interface PipelinePlanJson {
  readonly pipeline: string;
  readonly runs: number;
  readonly counts: VerdictCounts;
  readonly stages: readonly {
    readonly stage: string;
    /** How many stages come before it, one after the other. */
    readonly wave: number;
    readonly sources: readonly StageSource[];
    readonly counts: VerdictCounts;
    readonly runs: readonly ElementJson[];
  }[];
}

interface ElementJson {
  readonly index: number;
  readonly bindings: unknown;
  readonly cache: CacheVerdict["kind"];
  readonly key?: string;
  /** Whose outputs it would get, or which run is most like it. */
  readonly job_id?: string;
  readonly why: string;
  /** The first field of the key that differs; `null` where there was, or is, nothing. */
  readonly difference?: { readonly field: string; readonly was: string | null; readonly is: string | null };
  /** When the code differs: in which files. */
  readonly files?: readonly FileChange[];
}

export function toPipelinePlanJson({ name, stages, counts }: PipelinePlan): PipelinePlanJson {
  return {
    pipeline: name,
    runs: totalOf(counts),
    counts,
    stages: stages.map((stage) => ({
      stage: stage.name,
      wave: stage.wave,
      sources: stage.sources,
      counts: stage.counts,
      runs: stage.elements.map(toElementJson),
    })),
  };
}

function toElementJson({ index, bindings, verdict }: PlannedElement): ElementJson {
  const because = verdict.kind === "miss" ? verdict.because : undefined;
  const run = verdict.kind === "hit" ? verdict.from : because && "run" in because ? because.run : undefined;
  return {
    index,
    bindings: toPrintable(bindings),
    cache: verdict.kind,
    ...("key" in verdict && { key: verdict.key }),
    ...(run !== undefined && { job_id: run }),
    why: explainVerdict(verdict),
    ...(because?.kind === "differs" && {
      difference: {
        field: because.difference.field,
        was: because.difference.was ?? null,
        is: because.difference.is ?? null,
      },
      ...(because.files !== undefined && { files: because.files }),
    }),
  };
}

/** A line for each stage, those that wait for others below them and further in; with reasons, a line for each run. */
export function renderPipelinePlan(plan: PipelinePlan, screen: Screen, options: { readonly explain: boolean }): string {
  const { name, stages, counts } = plan;
  const runs = totalOf(counts);
  const size = `${plural(stages.length, "stage")}, ${plural(runs, "run")}`;
  const blocks = [
    [`${name}: ${size}`, renderCounts(counts, false)].map((line) => cutText(toSafeLine(line), screen.width)).join("\n"),
    renderTable(STAGE_COLUMNS, stages, { width: screen.width, color: screen.color }),
  ];
  if (options.explain) blocks.push(renderReasons(stages, screen));
  return blocks.join("\n\n");
}

/** Deeper stages stand no further in, so that a long chain stays readable. */
const MOST_INDENTED = 8;

const STAGE_COLUMNS: readonly Column<PlannedStage>[] = [
  { name: "stage", value: ({ name, wave }) => `${"  ".repeat(Math.min(wave, MOST_INDENTED))}${name}` },
  { name: "runs", isFixed: true, align: "right", value: ({ elements }) => renderCount(elements.length) },
  {
    name: "cache",
    isFixed: true,
    value: ({ counts }) => renderCounts(counts, true),
    style: ({ counts }) => styleOfCounts(counts),
  },
  { name: "after", value: ({ sources }) => sources.map(renderSource).join(", ") },
];

function renderSource({ stage, take }: StageSource): string {
  switch (take) {
    case "all":
      return `all of ${stage}`;
    case "ended":
      return `the end of ${stage}`;
    case "one":
    case "needs":
      return stage;
  }
}

const WORDS: Readonly<Record<CacheVerdict["kind"], string>> = {
  hit: "cached",
  miss: "to run",
  unknown: "known later",
  uncached: "not cacheable",
};
const STYLES: Readonly<Record<CacheVerdict["kind"], Style>> = {
  hit: "green",
  miss: "cyan",
  unknown: "dim",
  uncached: "yellow",
};
const KINDS = ["hit", "miss", "unknown", "uncached"] as const satisfies readonly CacheVerdict["kind"][];

/** `1 cached, 5 to run`; of one kind only, where all are told to be of it, the word alone. */
function renderCounts(counts: VerdictCounts, isShort: boolean): string {
  const present = KINDS.filter((kind) => counts[kind] > 0);
  const [only] = present;
  if (isShort && present.length === 1 && only !== undefined) return WORDS[only];
  return present.map((kind) => `${renderCount(counts[kind])} ${WORDS[kind]}`).join(", ");
}

function styleOfCounts(counts: VerdictCounts): Style | undefined {
  const present = KINDS.filter((kind) => counts[kind] > 0);
  return present.length === 1 && present[0] !== undefined ? STYLES[present[0]] : undefined;
}

/** A stage, or one of its elements below it. */
interface ReasonRow {
  readonly name: string;
  readonly verdict: CacheVerdict | undefined;
}

function renderReasons(stages: readonly PlannedStage[], screen: Screen): string {
  const rows = stages.flatMap(({ name, elements }): readonly ReasonRow[] => {
    const isSwept = elements.some(({ label }) => label !== "");
    if (!isSwept) return elements.map(({ verdict }) => ({ name, verdict }));
    return [{ name, verdict: undefined }, ...elements.map(({ label, verdict }) => ({ name: `  ${label}`, verdict }))];
  });
  return renderTable(REASON_COLUMNS, rows, { width: screen.width, color: screen.color });
}

const REASON_COLUMNS: readonly Column<ReasonRow>[] = [
  { name: "run", value: ({ name }) => name },
  {
    name: "why",
    value: ({ verdict }) => (verdict === undefined ? "" : `${WORDS[verdict.kind]}: ${explainVerdict(verdict)}`),
    style: ({ verdict }) => verdict && STYLES[verdict.kind],
  },
];

function totalOf({ hit, miss, unknown, uncached }: VerdictCounts): number {
  return hit + miss + unknown + uncached;
}
