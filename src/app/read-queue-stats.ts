import type { Lane } from "../queue/lane.ts";
import type { QueueEvent, QueueStore } from "../queue/queue-store.ts";
import { QueueTotals, type LaneTotals } from "../queue/queue-totals.ts";
import { ACTIVE_STATES, type TaskState } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import { WORKER_SILENT_MS } from "./queue-situation.ts";

/** How a lane stands, and what has happened in it. */
export interface LaneStats extends LaneTotals {
  readonly lane: string;
  readonly isPaused: boolean;
  readonly maxRunning: number | undefined;
  /** Its tasks by state; states without tasks are left out. */
  readonly tasks: Readonly<Partial<Record<TaskState, number>>>;
  readonly queued: number;
  readonly blocked: number;
  readonly active: number;
  /** How long the one that was queued first has waited. */
  readonly oldestWaitMs: number | undefined;
  /** Queued tasks that wait for a resource lock. */
  readonly lockWaits: number;
}

/** How the queue stands. */
export interface QueueStats {
  readonly lanes: readonly LaneStats[];
  readonly workers: { readonly up: number; readonly draining: number };
  readonly outbox: { readonly pending: number; readonly dead: number };
}

/** What statistics need of the queue. */
export type StatsSource = Pick<
  QueueStore,
  "now" | "lanes" | "counts" | "events" | "tasks" | "locks" | "workers" | "outboxCounts"
>;

/** How the queue stands now. A process that asks again and again keeps a {@link QueueStatsReader} instead. */
export async function readQueueStats(store: StatsSource): Promise<QueueStats> {
  return await new QueueStatsReader(store).read();
}

const CHUNK = 1000;

/** Reads statistics of one queue again and again, and each of its events once. */
export class QueueStatsReader {
  readonly #store: StatsSource;
  readonly #totals = new QueueTotals();
  #seen = 0;

  constructor(store: StatsSource) {
    this.#store = store;
  }

  async read(): Promise<QueueStats> {
    await this.#readEvents();
    const store = this.#store;
    const now = await store.now();
    const counts = await store.counts();
    const lockWaits = await countLockWaits(store);
    const toStats = ({ name, isPaused, maxRunning }: Lane): LaneStats => {
      const own = counts.filter(({ lane }) => lane === name);
      const tasks: Partial<Record<TaskState, number>> = {};
      for (const { state, count } of own) tasks[state] = count;
      const oldest = own.find(({ state }) => state === "queued")?.oldest;
      return {
        lane: name,
        isPaused,
        maxRunning,
        tasks,
        queued: tasks.queued ?? 0,
        blocked: tasks.blocked ?? 0,
        active: ACTIVE_STATES.reduce((sum, state) => sum + (tasks[state] ?? 0), 0),
        oldestWaitMs: oldest === undefined ? undefined : Math.max(0, now - oldest),
        lockWaits: lockWaits.get(name) ?? 0,
        ...this.#totals.of(name),
      };
    };
    const workers = (await store.workers()).filter(({ beatAt }) => beatAt > now - WORKER_SILENT_MS);
    return {
      lanes: (await store.lanes()).map(toStats),
      workers: {
        up: workers.filter(({ state }) => state === "up").length,
        draining: workers.filter(({ state }) => state === "draining").length,
      },
      outbox: await store.outboxCounts(),
    };
  }

  async #readEvents(): Promise<void> {
    for (;;) {
      const events = await this.#store.events(this.#seen, CHUNK);
      if (events.length === 0) return;
      await this.#add(events);
      this.#seen = events.at(-1)?.id ?? this.#seen;
    }
  }

  async #add(events: readonly QueueEvent[]): Promise<void> {
    const ids = [...new Set(events.flatMap(({ runId }) => runId ?? []))];
    const tasks = ids.length === 0 ? [] : await this.#store.tasks({ ids });
    const lanes = new Map<JobId, string>(tasks.map(({ id, spec }) => [id, spec.lane]));
    for (const event of events) {
      const lane = event.runId === undefined ? undefined : lanes.get(event.runId);
      if (lane !== undefined) this.#totals.add(event, lane);
    }
  }
}

async function countLockWaits(store: StatsSource): Promise<ReadonlyMap<string, number>> {
  const held = new Set((await store.locks()).map(({ key }) => key));
  const waits = new Map<string, number>();
  if (held.size === 0) return waits;
  for (const { spec } of await store.tasks({ states: ["queued"] })) {
    if (spec.resources.some((key) => held.has(key))) waits.set(spec.lane, (waits.get(spec.lane) ?? 0) + 1);
  }
  return waits;
}
