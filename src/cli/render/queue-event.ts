import { toInstant } from "../../model/clock.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import type { QueueEvent } from "../../queue/queue-store.ts";

/** An event as `--json` prints it. */
export function toEventJson({ id, at, kind, runId, groupId, data }: QueueEvent): Record<string, unknown> {
  return {
    id,
    at: toInstant(at),
    at_ms: at,
    kind,
    ...(runId === undefined ? {} : { run: runId }),
    ...(groupId === undefined ? {} : { group: groupId }),
    data,
  };
}

/** One line: when, what, of which run, and what belongs to it. */
export function renderEvent({ at, kind, runId, groupId, data }: QueueEvent): string {
  const facts = Object.entries(data).flatMap(([name, value]) =>
    value === null ? [] : [`${name}=${renderFact(value)}`],
  );
  const subject = runId === undefined ? groupId : runId.slice(0, 8);
  return [toInstant(at), kind, ...(subject === undefined ? [] : [subject]), ...facts].join(" ");
}

function renderFact(value: string | number | boolean): string {
  const text = toSafeLine(String(value));
  return /[\s"]/.test(text) || text === "" ? JSON.stringify(text) : text;
}
