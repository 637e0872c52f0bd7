import type { Collection } from "../../app/collect-outputs.ts";
import type { CollectableOutputs, CollectionPlan, CollectionReason } from "../../app/collectable-outputs.ts";
import { toInstant } from "../../model/clock.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import type { Screen } from "../screen.ts";
import { renderBytes } from "./bytes.ts";
import { plural } from "./plural.ts";
import { type Column, renderTable } from "./table.ts";
import { renderInstant } from "./time.ts";

/** A collection of outputs as `--json` prints it. */
export interface CollectionJson {
  /** Nothing was deleted. */
  readonly dry_run: boolean;
  /** What was deleted, or would be. */
  readonly outputs: readonly CollectableJson[];
  readonly bytes: number;
  /** Attempts whose outputs are kept, by reason. */
  readonly kept: CollectionPlan["kept"];
  /** What somebody wanted before it was deleted. */
  readonly spared: readonly CollectableJson[];
  readonly failed: readonly (CollectableJson & { readonly message: string })[];
}

interface CollectableJson {
  readonly job_id: string;
  readonly attempt: number;
  readonly stage: string;
  readonly bytes: number;
  readonly files: number;
  readonly why: CollectionReason;
  readonly used_at: string;
}

/** @param done what came of the plan; absent while nothing was deleted */
export function toCollectionJson(plan: CollectionPlan, done: Collection | undefined): CollectionJson {
  const outputs = done?.deleted ?? plan.collectable;
  return {
    dry_run: done === undefined,
    outputs: outputs.map(toItemJson),
    bytes: sumBytes(outputs),
    kept: plan.kept,
    spared: (done?.spared ?? []).map(toItemJson),
    failed: (done?.failed ?? []).map(({ item, problem }) => ({ ...toItemJson(item), message: problem })),
  };
}

function toItemJson({ run, attempt, name, bytes, files, reason, usedMs }: CollectableOutputs): CollectableJson {
  return { job_id: run, attempt, stage: name, bytes, files, why: reason, used_at: toInstant(usedMs) };
}

const REASONS: Readonly<Record<CollectionReason, string>> = {
  superseded: "no run has it as its result any more",
  unsuccessful: "its run did not succeed",
  old: "no run used it since",
};

const KEPT: Readonly<Record<keyof CollectionPlan["kept"], string>> = {
  alias: "an alias means them",
  needed: "runs that have not ended need them",
  ledger: "they are the latest of their experiment in the ledger",
  newest: "they are the newest of their stage",
  recent: "they were used not long ago",
};

/** A line for each attempt, what it comes to, and what is kept. */
export function renderCollection(plan: CollectionPlan, done: Collection | undefined, screen: Screen): string {
  const shown = done?.deleted ?? plan.collectable;
  const table = shown.length === 0 ? [] : [renderTable(columnsOf(screen), shown, screen)];
  return [...table, [totalLine(shown, done), ...sparedLines(done), ...keptLines(plan)].join("\n")].join("\n\n");
}

function columnsOf(screen: Screen): readonly Column<CollectableOutputs>[] {
  return [
    { name: "run", isFixed: true, value: ({ run }) => run.slice(0, 8), style: () => "yellow" },
    { name: "attempt", isFixed: true, align: "right", value: ({ attempt }) => String(attempt) },
    { name: "stage", value: ({ name }) => name },
    { name: "size", isFixed: true, align: "right", value: ({ bytes }) => renderBytes(bytes) },
    { name: "last used", value: ({ usedMs }) => renderInstant(toInstant(usedMs), screen) },
    { name: "why", value: ({ reason }) => REASONS[reason] },
  ];
}

function totalLine(shown: readonly CollectableOutputs[], done: Collection | undefined): string {
  const what = `the outputs of ${plural(shown.length, "attempt")}, ${renderBytes(sumBytes(shown))}`;
  if (done !== undefined) return shown.length === 0 ? "Nothing was deleted." : `Deleted ${what}.`;
  return shown.length === 0 ? "Nothing is there to delete." : `Would delete ${what}. Do it with --yes.`;
}

function sparedLines(done: Collection | undefined): readonly string[] {
  if (done === undefined) return [];
  return done.spared.map(({ run, attempt, name }) =>
    toSafeLine(`Kept ${run.slice(0, 8)} ${name}, attempt ${attempt}: somebody wants it by now.`),
  );
}

function keptLines({ kept }: CollectionPlan): readonly string[] {
  return (["alias", "needed", "ledger", "newest", "recent"] as const).flatMap((reason) => {
    const count = kept[reason] ?? 0;
    return count === 0 ? [] : [`Keeps those of ${plural(count, "attempt")}: ${KEPT[reason]}.`];
  });
}

function sumBytes(items: readonly CollectableOutputs[]): number {
  return items.reduce((total, { bytes }) => total + bytes, 0);
}
