import type { HistoryEvent } from "../../app/read-history.ts";
import type { Cited } from "../../app/note-events.ts";
import type { Screen } from "../screen.ts";
import { citesText } from "./graph-text.ts";
import { noteStatusStyle } from "./note-list.ts";
import type { Style } from "./paint.ts";
import { plural } from "./plural.ts";
import { renderRunCounts } from "./run-counts.ts";
import { type Column, renderTable } from "./table.ts";
import { renderInstant } from "./time.ts";
import { renderCount } from "./value.ts";

/** A timeline, a line for each event. */
export function renderHistory(events: readonly HistoryEvent[], screen: Screen): string {
  const columns: readonly Column<HistoryEvent>[] = [
    {
      name: "when",
      value: ({ at }) => (at === null ? "not committed yet" : renderInstant(at, screen)),
      style: ({ at }) => (at === null ? "yellow" : "dim"),
      isFixed: true,
    },
    { name: "note", value: ({ id }) => id, style: () => "yellow", isFixed: true },
    { name: "what happened", value: describe, style: styleOf },
    { name: "commit", value: ({ commit }) => commit?.slice(0, 8) ?? "", style: () => "dim" },
    { name: "author", value: ({ author }) => author ?? "" },
  ];
  return renderTable(columns, events, screen);
}

function describe(event: HistoryEvent): string {
  switch (event.type) {
    case "created":
      return `created: ${introduce(event)}`;
    case "existed":
      return `was there already: ${introduce(event)}`;
    case "status_changed":
      return changed("status", event);
    case "impact_changed":
      return changed("impact", event);
    case "title_changed":
      return changed("title", event);
    case "citations_changed":
      return `${describeCited(event.after)} now`;
    case "renamed":
      return `renamed: ${fileName(event.before)} → ${fileName(event.after)}`;
    case "renumbered":
      return `renumbered: was ${event.before} before`;
    case "deleted":
      return `deleted: ${event.title}`;
    case "unreadable": {
      const where = event.commit === undefined ? "" : ` at ${event.commit.slice(0, 8)}`;
      return `could not be read${where}: ${event.problem}`;
    }
    case "runs_finished":
      return describeRuns(event);
  }
}

/** `9 runs finished (8 complete, 1 failed)`. */
function describeRuns({ runs }: HistoryEvent & { readonly type: "runs_finished" }): string {
  const counts = renderRunCounts(runs);
  const statuses = counts.slice(counts.indexOf(": ") + 1).trim();
  if (Object.keys(runs.by_status).length > 1) return `${renderCount(runs.total)} runs finished (${statuses})`;
  return `${plural(runs.total, "run")} finished (${Object.keys(runs.by_status).join("")})`;
}

function introduce(event: HistoryEvent & { readonly type: "created" | "existed" }): string {
  const cited = event.cites === undefined ? undefined : describeCited(event.cites);
  const facts = [event.status, event.impact, cited].filter((fact) => fact !== undefined);
  return facts.length === 0 ? event.title : `${event.title} (${facts.join(", ")})`;
}

function changed(
  what: string,
  { before, after }: { readonly before: string | null; readonly after: string | null },
): string {
  return `${what} ${before ?? "not set"} → ${after ?? "not set"}`;
}

/** `cites 3 runs and a batch of E001`. */
function describeCited({ runs, batches }: Cited): string {
  const groups = [...Map.groupBy(batches, (id) => id)];
  const parts = groups.map(
    ([id, of]) => `${of.length === 1 ? "a batch" : `${renderCount(of.length)} batches`} of ${id}`,
  );
  if (runs > 0 || parts.length === 0) parts.unshift(citesText(runs).slice("cites ".length));
  return `cites ${parts.join(" and ")}`;
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function styleOf(event: HistoryEvent): Style | undefined {
  switch (event.type) {
    case "status_changed":
    case "impact_changed":
      return noteStatusStyle(event.after ?? undefined);
    case "deleted":
    case "unreadable":
      return "red";
    case "created":
    case "existed":
    case "title_changed":
    case "citations_changed":
    case "renamed":
    case "renumbered":
    case "runs_finished":
      return undefined;
  }
}
