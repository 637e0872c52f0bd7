import { setImmediate as nextTurn } from "node:timers/promises";

import type { QueueStore } from "../queue/queue-store.ts";
import { deliverEvents, deliverMarks } from "./deliver-outbox.ts";
import type { Repo } from "./repo.ts";
import type { Resilience } from "./resilience.ts";

/** Delivers the outbox beside other work. A slow hook keeps no document waiting. */
export class BackgroundDelivery {
  readonly #deliverMarks: () => Promise<unknown>;
  readonly #deliverEvents: () => Promise<unknown>;
  #marks: Promise<unknown> | undefined;
  #events: Promise<unknown> | undefined;

  constructor(repo: Repo, store: QueueStore, resilience: Resilience) {
    this.#deliverMarks = () => resilience.survive<unknown>(() => deliverMarks(repo, store), undefined);
    this.#deliverEvents = () => resilience.survive<unknown>(() => deliverEvents(repo, store), undefined);
  }

  /** Begins to deliver what is there, unless that is under way. */
  begin(): void {
    this.#marks ??= this.#deliverMarks().finally(() => {
      this.#marks = undefined;
    });
    // A store that cannot be written holds this process up at each try; whatever is due in between comes first.
    this.#events ??= nextTurn()
      .then(() => this.#deliverEvents())
      .finally(() => {
        this.#events = undefined;
      });
  }

  /** Delivers all that is there now. */
  async finish(): Promise<void> {
    await this.#marks;
    await this.#deliverMarks();
    await this.#events;
    await this.#deliverEvents();
  }
}
