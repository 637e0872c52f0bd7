import type { WorkSummary } from "../../app/work-events.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import type { Screen } from "../screen.ts";
import type { WorkMemory } from "../work-memory.ts";
import { paint } from "./paint.ts";
import { cutText } from "./text-width.ts";
import { renderDuration } from "./time.ts";
import { renderCount } from "./value.ts";

/** More failed runs than these are counted only. */
const MAX_NAMED = 10;

/** What a worker leaves on the screen: how it went, which runs failed and why, and what to type next. */
export function renderWorkerSummary(summary: WorkSummary, memory: WorkMemory, screen: Screen): string {
  const named = memory.failed.slice(0, MAX_NAMED);
  const lines = named.map(({ jobId, name, attempt, reason }) => {
    const who = [jobId.slice(0, 8), ...(name === undefined ? [] : [toSafeLine(name)])].join(" ");
    const times = attempt > 1 ? `, attempt ${attempt}` : "";
    return cutText(`  ${who}${times}: ${toSafeLine(reason?.message ?? "no reason is known")}`, screen.width);
  });
  const rest = summary.failed - named.length;
  return [
    headline(summary, screen),
    ...lines,
    ...(rest > 0 ? [`  … and ${renderCount(rest)} more`] : []),
    ...hints(summary, memory).map((hint) => paint("dim", cutText(hint, screen.width), screen.color)),
  ].join("\n");
}

function headline(summary: WorkSummary, { color }: Screen): string {
  const { complete, failed, stopped, retried, released, leasesLost, wallclockS } = summary;
  if (complete + failed + stopped + retried + released + leasesLost === 0) {
    return summary.ended === "empty" ? "Nothing to do." : "Ended; nothing was executed.";
  }
  const parts = [
    paint("green", `${renderCount(complete)} complete`, color),
    ...(failed > 0 ? [paint("red", `${renderCount(failed)} failed`, color)] : []),
    ...(stopped > 0 ? [paint("yellow", `${renderCount(stopped)} stopped`, color)] : []),
    ...(retried > 0 ? [`${renderCount(retried)} repeated`] : []),
    ...(released > 0 ? [`${renderCount(released)} given back`] : []),
    ...(leasesLost > 0 ? [paint("red", `${renderCount(leasesLost)} lost`, color)] : []),
  ];
  return `${parts.join(", ")} in ${renderDuration(wallclockS)}`;
}

function hints({ failed, waiting, complete, ended }: WorkSummary, memory: WorkMemory): readonly string[] {
  const [first] = memory.failed;
  const [experiment, another] = memory.experiments;
  const wait = waiting === 1 ? "1 run waits" : `${renderCount(waiting)} runs wait`;
  return [
    ...(failed > 0 && first !== undefined
      ? [`Why: aexp runs show ${first.jobId.slice(0, 8)}   Again: aexp queue retry ${first.jobId.slice(0, 8)}`]
      : []),
    ...(ended === "drained" ? ["What is left stays queued: aexp worker start goes on with it"] : []),
    ...(waiting > 0 ? [`${wait} for something that no worker does: aexp queue list`] : []),
    ...(complete > 0 && experiment !== undefined && another === undefined
      ? [`Results: aexp runs compare --experiment ${experiment}`]
      : complete > 0
        ? ["Results: aexp runs list"]
        : []),
  ];
}
