import type { EventKind } from "./event-kinds.ts";
import type { OutboxItem, QueueEvent } from "./queue-store.ts";

/** Something that happened, before it has a number. */
export interface NewEvent {
  readonly kind: EventKind;
  readonly runId?: string;
  readonly groupId?: string;
  readonly data?: QueueEvent["data"];
  /** Two events of one key are one to those who are told of them. */
  readonly dedupe?: string;
}

/** A side effect, before it has a number. Those of one topic and subject are delivered in order. */
export interface NewItem extends Pick<OutboxItem, "topic" | "dedupe" | "data"> {
  readonly subject: string;
  /** Where it has to be done; anywhere, when absent. */
  readonly machine?: string;
}
