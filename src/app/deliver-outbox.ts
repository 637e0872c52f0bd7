import { AexpError, messageOf } from "../model/errors.ts";
import type { OutboxItem, QueueStore } from "../queue/queue-store.ts";
import { isJobId, type JobId } from "../run/job-id.ts";
import { applyMark } from "./apply-mark.ts";
import type { Repo } from "./repo.ts";
import { deliverEvent } from "./run-hooks.ts";

/** How a delivery went. Failed items are tried again later. */
export interface Delivery {
  readonly delivered: number;
  readonly failed: number;
}

/** How many items are taken at once, and after how long they are due again, should this process die. */
interface Taking {
  readonly limit: number;
  readonly hideMs: number;
}

/** So many documents are flushed to the disk at once. They may be written twice, and must not be late for long. */
const QUICK: Taking = { limit: 500, hideMs: 5000 };
/** A hook may take half a minute, and nobody else is to run it in that time. */
const ONE_BY_ONE: Taking = { limit: 1, hideMs: 60_000 };

/**
 * Does what transactions of the queue left to be done afterwards: brings documents and ledger to the state of the queue,
 * and runs hooks. Whatever fails is tried again later, with growing pauses, and stops nothing else. Several processes
 * may do this at once, and any of them may be killed: nothing counts as done before it is safe on the disk.
 */
export async function deliverOutbox(repo: Repo, store: QueueStore): Promise<Delivery> {
  const marks = await deliverMarks(repo, store);
  const events = await deliverEvents(repo, store);
  return { delivered: marks.delivered + events.delivered, failed: marks.failed + events.failed };
}

/** Brings documents and ledger up to date; see {@link deliverOutbox}. */
export async function deliverMarks(repo: Repo, store: QueueStore): Promise<Delivery> {
  return await deliverAll(repo, store, "mark", QUICK, async (items) => {
    const outcomes = new Map<string, Promise<unknown>>();
    const settled: Settled[] = [];
    for (const item of items) {
      const { id } = item.data;
      // Of several marks of one run the first does it all.
      const outcome = outcomes.get(String(id)) ?? applyMark(repo, store, toJobId(id), { durability: "later" });
      outcomes.set(String(id), outcome);
      settled.push(await settle(item, outcome));
    }
    await Promise.all([repo.runs.flush(), repo.ledger.flush()]);
    return settled;
  });
}

/** Runs the hooks of what happened; see {@link deliverOutbox}. */
export async function deliverEvents(repo: Repo, store: QueueStore): Promise<Delivery> {
  const { hooks } = await (await repo.openHooks()).read();
  return await deliverAll(repo, store, "event", hooks.length > 0 ? ONE_BY_ONE : QUICK, async (items) => {
    const settled: Settled[] = [];
    for (const item of items) settled.push(await settle(item, deliverEvent(repo, item)));
    return settled;
  });
}

interface Settled {
  readonly item: OutboxItem;
  /** Why it failed. */
  readonly problem: string | undefined;
}

async function deliverAll(
  { machineLabel }: Pick<Repo, "machineLabel">,
  store: QueueStore,
  topic: OutboxItem["topic"],
  { limit, hideMs }: Taking,
  deliver: (items: readonly OutboxItem[]) => Promise<readonly Settled[]>,
): Promise<Delivery> {
  let delivered = 0;
  let failed = 0;
  for (;;) {
    const items = await store.takeOutbox(limit, hideMs, topic, machineLabel);
    if (items.length === 0) return { delivered, failed };
    const settled = await deliver(items);
    const done = settled.flatMap(({ item, problem }) => (problem === undefined ? [item.id] : []));
    await store.outboxDone(done);
    for (const { item, problem } of settled) {
      if (problem !== undefined) await store.outboxFailed(item.id, problem);
    }
    delivered += done.length;
    failed += settled.length - done.length;
    // What comes while this goes on is delivered with the next flush, and not with one for every few items.
    if (items.length < limit) return { delivered, failed };
  }
}

async function settle(item: OutboxItem, outcome: Promise<unknown>): Promise<Settled> {
  try {
    await outcome;
    return { item, problem: undefined };
  } catch (error) {
    return { item, problem: messageOf(error) };
  }
}

function toJobId(value: unknown): JobId {
  if (typeof value === "string" && isJobId(value)) return value;
  throw new AexpError(`${JSON.stringify(value)} in the queue's outbox is no job id`, {
    code: "queue.database_damaged",
  });
}
