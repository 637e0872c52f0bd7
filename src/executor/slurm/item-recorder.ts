import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { type OutputDeclaration, streamRecordFile } from "../../output/declaration.ts";

/** Streams are looked at so often. */
const LOOK_MS = 2000;
/** Of the time, at most a fifth is spent looking: a stream of many large items is looked at less often. */
const REST_PER_LOOK = 4;
/** The processors of a job are for its program. */
const THREADS = 1;

/**
 * Records what an attempt adds to its streams while its program runs, beside the attempt's outputs: the node on which the
 * program runs has the bytes, and no database. Whoever looks after the job registers what is recorded.
 */
export class ItemRecorder {
  readonly #workspace: string;
  readonly #attempt: number;
  readonly #streams: readonly OutputDeclaration[];
  readonly #over = new AbortController();
  readonly #watching: Promise<void>;

  private constructor(workspace: string, attempt: number, streams: readonly OutputDeclaration[]) {
    this.#workspace = workspace;
    this.#attempt = attempt;
    this.#streams = streams;
    this.#watching = this.#watch();
  }

  /**
   * Begins to look; `undefined` when no stream is declared.
   *
   * @param workspace - absolute path of the run's folder
   */
  static start(
    workspace: string,
    attempt: number,
    outputs: readonly OutputDeclaration[] = [],
  ): ItemRecorder | undefined {
    const streams = outputs.filter(({ stream }) => stream);
    return streams.length === 0 ? undefined : new ItemRecorder(workspace, attempt, streams);
  }

  /** The program has ended: what came since the last look is recorded with all the rest. */
  stop(): void {
    this.#over.abort();
  }

  /**
   * Waits until nothing is written any more.
   *
   * @param isRecorded - the whole outputs are on record, so that nobody needs the record of their items
   */
  async finish(isRecorded: boolean): Promise<void> {
    this.stop();
    await this.#watching;
    if (isRecorded) rmSync(join(this.#workspace, streamRecordFile(this.#attempt)), { force: true });
  }

  async #watch(): Promise<void> {
    let restMs = LOOK_MS;
    while (await this.#rest(restMs)) {
      const before = performance.now();
      await this.#look();
      restMs = Math.max(LOOK_MS, REST_PER_LOOK * (performance.now() - before));
    }
  }

  /** @returns whether it is to go on */
  async #rest(ms: number): Promise<boolean> {
    try {
      await sleep(ms, undefined, { signal: this.#over.signal });
      return true;
    } catch {
      return false;
    }
  }

  /** A full disk, or an item that cannot be read, must not end the program: the next look may find it otherwise. */
  async #look(): Promise<void> {
    const { signal } = this.#over;
    try {
      const { recordStreamItems } = await import("../../output/fs/record-outputs.ts");
      await recordStreamItems(this.#workspace, this.#attempt, this.#streams, { signal, threads: THREADS });
    } catch {
      // When the program has ended well, recording its outputs says what is wrong.
    }
  }
}
