import { runLinkOf } from "../../../run/document.ts";
import { isTerminal } from "../../../run/run-status.ts";
import type { EntryRule } from "../../context.ts";
import { compareEnds } from "../../outcome.ts";

/** An entry with a later end is another machine's outcome, or a merge of both; then the local document is the older one. */
export const staleEntry: EntryRule = {
  code: "ledger.stale",
  check({ record: { jobId, entry }, local }) {
    if (local?.kind !== "run") return undefined;
    const { facts } = local.run.document;
    if (facts.status === undefined || !isTerminal(facts.status)) return undefined;
    // The Python package commits a run before it knows when it ended.
    const [own, committed] =
      entry.ended_at === undefined ? [facts.started_at, entry.started_at] : [facts.ended_at, entry.ended_at];
    const order = compareEnds(own, committed);
    if (order < 0) return undefined;
    const changed =
      order > 0
        ? `it ${entry.ended_at === undefined ? "started" : "ended"} later`
        : facts.status !== entry.status
          ? `its status is ${facts.status}, not ${entry.status}`
          : runLinkOf(facts)?.experiment_id !== entry.run_link?.experiment_id
            ? "it was linked to another experiment"
            : undefined;
    if (changed === undefined) return undefined;
    return `the local run is newer than its entry (${changed}): run \`aexp ledger promote ${jobId}\``;
  },
};
