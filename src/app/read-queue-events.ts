import type { QueueEvent, QueueStore } from "../queue/queue-store.ts";
import type { JobId } from "../run/job-id.ts";
import { pause } from "./pause.ts";

/** Which events are meant. */
export interface EventFilter {
  readonly runId?: JobId | undefined;
  /** Only later ones than the event with this number. */
  readonly after?: number | undefined;
}

const CHUNK = 1000;
const POLL_MS = 250;

/** The last events, oldest first, and the number of the newest one there is, wanted or not. */
export async function readLastEvents(
  store: Pick<QueueStore, "events">,
  filter: EventFilter,
  limit: number,
): Promise<{ readonly events: readonly QueueEvent[]; readonly newest: number }> {
  const kept: QueueEvent[] = [];
  let newest = filter.after ?? 0;
  for (;;) {
    const events = await store.events(newest, CHUNK);
    if (events.length === 0) break;
    newest = events.at(-1)?.id ?? newest;
    kept.push(...events.filter((event) => matches(event, filter)));
    if (kept.length > limit) kept.splice(0, kept.length - limit);
  }
  return { events: kept, newest };
}

/** Events as they happen, after the one with a number, until the signal. */
export async function* followEvents(
  store: Pick<QueueStore, "events">,
  filter: EventFilter,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<QueueEvent> {
  let seen = after;
  while (!signal.aborted) {
    const events = await store.events(seen, CHUNK);
    seen = events.at(-1)?.id ?? seen;
    for (const event of events) if (matches(event, filter)) yield event;
    if (events.length === 0) await pause(POLL_MS, signal);
  }
}

function matches(event: QueueEvent, { runId }: EventFilter): boolean {
  return runId === undefined || event.runId === runId;
}
