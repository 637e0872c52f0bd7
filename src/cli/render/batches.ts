import type { Batch } from "../../app/list-batches.ts";
import { RUN_STATUSES } from "../../run/run-status.ts";
import type { Screen } from "../screen.ts";
import { renderStatus, statusStyle } from "./status.ts";
import { type Column, renderTable } from "./table.ts";
import { renderInstant } from "./time.ts";
import { renderCount } from "./value.ts";

/** One line for each batch; a column for each status that occurs. */
export function renderBatches(batches: readonly Batch[], screen: Screen): string {
  const occurring = new Set(batches.flatMap(({ statuses }) => Object.keys(statuses)));
  const statuses = [...RUN_STATUSES.filter((status) => occurring.delete(status)), ...occurring];
  const hasConditions = batches.some(({ condition }) => condition !== undefined);
  const columns: Column<Batch>[] = [
    { name: "experiment", value: (batch) => batch.experiment_id, isFixed: true },
    ...(hasConditions ? [{ name: "condition", value: (batch: Batch) => batch.condition ?? "" }] : []),
    { name: "runs", value: (batch) => renderCount(batch.runs), align: "right" },
    ...statuses.map((status): Column<Batch> => ({
      name: status,
      header: renderStatus({ status }, screen.nowMs),
      value: (batch) => renderCount(batch.statuses[status] ?? 0),
      style: (batch) => ((batch.statuses[status] ?? 0) === 0 ? "dim" : statusStyle({ status }, screen.nowMs)),
      align: "right",
    })),
    { name: "newest", value: (batch) => renderInstant(batch.newest, screen) },
  ];
  return renderTable(columns, batches, screen);
}
