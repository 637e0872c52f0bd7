import type { RepoStatus } from "../../app/read-status.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { RUN_STATUSES } from "../../run/run-status.ts";
import { plural } from "./plural.ts";
import { renderCount } from "./value.ts";

/** One screen: label and value, a line each. */
export function renderStatusScreen(status: RepoStatus): string {
  const runs = RUN_STATUSES.filter((name) => status.runs[name] > 0).map((name) => `${status.runs[name]} ${name}`);
  if (status.other_runs > 0) runs.push(`${status.other_runs} unreadable`);
  const unpushed = status.unpushed === null ? "no upstream" : `${plural(status.unpushed, "commit")} not pushed`;
  const issues = status.issues.map(
    ({ code, severity, count }) => `${severity === "error" ? "✗" : "!"} ${count} × ${code}`,
  );
  return [
    `machine   ${status.machine_label}${status.installed ? "" : " (not installed)"}`,
    `runs      ${runs.length === 0 ? "none here yet" : runs.join(", ")}`,
    ...queueLines(status.queue),
    `ledger    ${plural(status.ledger_entries, "entry", "entries")}, ${status.unpromoted} not promoted`,
    `shared    ${plural(status.uncommitted, "file")} not committed, ${unpushed}`,
    `issues    ${issues.length === 0 ? "none" : issues.join("\n          ")}`,
    "",
    `next: ${status.next}`,
  ].join("\n");
}

/** Nothing where nothing was ever queued. */
function queueLines(queue: RepoStatus["queue"]): readonly string[] {
  if (queue === null) return [];
  const { queued, running, waiting, workers, paused_lanes: paused, outbox } = queue;
  const parts = [
    ...(running > 0 ? [`${renderCount(running)} running`] : []),
    ...(queued > 0 ? [`${renderCount(queued)} queued`] : []),
    ...(waiting > 0 ? [`${renderCount(waiting)} waiting for others`] : []),
  ];
  const state = parts.length === 0 ? "empty" : parts.join(", ");
  const lanes = paused.length === 0 ? "" : `; paused: ${paused.map((name) => toSafeLine(name)).join(", ")}`;
  return [
    `queue     ${state}, ${plural(workers, "worker")}${lanes}`,
    ...(outbox.dead > 0
      ? [`          ✗ ${plural(outbox.dead, "change")} could not be delivered (\`aexp doctor\`)`]
      : []),
  ];
}
