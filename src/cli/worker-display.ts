import type { WorkEvent, WorkSummary, WorkView } from "../app/work-events.ts";
import { type Clock, toInstant } from "../model/clock.ts";
import { type Output, Relay } from "./io.ts";
import { renderWorkEvent } from "./render/work-event.ts";
import { toWorkEventJson } from "./render/worker-event-json.ts";
import { toSummaryJson } from "./render/work-json.ts";

/** Who works, as displays introduce it. */
export interface WorkerIdentity {
  readonly workerId: string;
  readonly machine: string;
  readonly pid: number;
  readonly pools: string;
  /** All, when absent. */
  readonly lanes: readonly string[] | undefined;
  /** Where the queue is. */
  readonly database: string;
  readonly metricsUrl: string | undefined;
}

/** Where a worker tells what it does. None ever waits for its reader: leases must be renewed meanwhile. */
export interface WorkerDisplay {
  /** Before the first claim. */
  start(view: WorkView): void;
  observe(event: WorkEvent): void;
  /** What runs is being stopped, and not waited for any more. */
  stopping(): void;
  /** After the last event; without a summary when the work failed. */
  end(summary: WorkSummary | undefined): void;
}

/** One line for each thing that happens, with its time. What a reader is too slow for is left out and counted. */
export class PlainDisplay implements WorkerDisplay {
  readonly #relay: Relay;
  readonly #identity: WorkerIdentity;
  readonly #clock: Clock;
  #isFull = false;
  #missing = 0;

  constructor(output: Output, identity: WorkerIdentity, clock: Clock) {
    this.#relay = new Relay(output);
    this.#identity = identity;
    this.#clock = clock;
  }

  start(): void {
    const { workerId, pid, pools, lanes, metricsUrl } = this.#identity;
    const where = lanes === undefined ? "" : ` in lanes ${lanes.join(",")}`;
    const metrics = metricsUrl === undefined ? "" : `; metrics at ${metricsUrl}`;
    this.#write(`worker ${workerId} (process ${pid}) serves ${pools}${where}${metrics}`);
  }

  observe(event: WorkEvent): void {
    const isWaiting = event.kind === "draining" && event.running > 0;
    this.#write(`${renderWorkEvent(event)}${isWaiting ? "; Ctrl-C or TERM again gives them back at once" : ""}`);
  }

  stopping(): void {
    this.#write("ending at once: what runs is stopped and given back");
  }

  end(): void {
    this.#tellMissing();
    this.#relay[Symbol.dispose]();
  }

  #write(line: string): void {
    if (this.#isFull) {
      this.#missing += 1;
      return;
    }
    const ready = this.#print(line);
    if (ready !== undefined) void this.#goOnAfter(ready);
  }

  #print(line: string): Promise<void> | undefined {
    return this.#relay.write(Buffer.from(`${toInstant(this.#clock.nowMs())} ${line}\n`));
  }

  async #goOnAfter(ready: Promise<void>): Promise<void> {
    this.#isFull = true;
    await ready;
    this.#isFull = false;
    this.#tellMissing();
  }

  #tellMissing(): void {
    if (this.#missing === 0) return;
    const count = this.#missing === 1 ? "1 line is" : `${this.#missing} lines are`;
    this.#missing = 0;
    void this.#print(`… ${count} missing here, because the reader was too slow`);
  }
}

/** One JSON document a line for each thing that happens, the first and the last about the worker itself. */
export class NdjsonDisplay implements WorkerDisplay {
  readonly #relay: Relay;
  readonly #identity: WorkerIdentity;
  readonly #clock: Clock;

  constructor(output: Output, identity: WorkerIdentity, clock: Clock) {
    this.#relay = new Relay(output);
    this.#identity = identity;
    this.#clock = clock;
  }

  start(): void {
    const { workerId, machine, pid, pools, lanes, metricsUrl } = this.#identity;
    this.#write({ event: "up", worker_id: workerId, machine, pid, pools, lanes, metrics_url: metricsUrl });
  }

  observe(event: WorkEvent): void {
    this.#write(toWorkEventJson(event));
  }

  stopping(): void {
    this.#write({ event: "stopping" });
  }

  end(summary: WorkSummary | undefined): void {
    if (summary !== undefined) this.#write({ event: "summary", ...toSummaryJson(summary) });
    this.#relay[Symbol.dispose]();
  }

  #write(fields: Readonly<Record<string, unknown>>): void {
    const line = JSON.stringify({ at: toInstant(this.#clock.nowMs()), ...fields });
    // The stream keeps what its reader has not taken yet.
    void this.#relay.write(Buffer.from(`${line}\n`));
  }
}
