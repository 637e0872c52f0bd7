/** A stream that a command prints to. */
export interface Output {
  /** False when the stream wants a pause, as Node's streams do. */
  write(data: string | Uint8Array): unknown;
  /**
   * Writes to a terminal without waiting for it: one that is frozen (Ctrl-S, a connection that broke) takes nothing.
   * False when it has not taken all of the last text yet; then nothing of this one was written.
   */
  offer?(text: string): boolean;
  on?(event: "drain" | "close" | "error", listener: () => void): unknown;
  off?(event: "drain" | "close" | "error", listener: () => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** The outside world of one command line: what the process has, or what a test passes in. */
export interface CliIo {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Where answers come from. Absent when nobody can be asked. */
  readonly stdin?: NodeJS.ReadableStream | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/**
 * Passes bytes on to a stream at the speed of its reader. When the reader is gone (`aexp run … | head`), they are
 * dropped, and whoever makes them is not disturbed.
 */
export class Relay implements Disposable {
  readonly #output: Output;
  readonly #onReady = (): void => this.#release();
  readonly #onGone = (): void => {
    this.#isGone = true;
    this.#release();
  };
  #isGone = false;
  #waiting: (() => void)[] = [];

  constructor(output: Output) {
    this.#output = output;
    output.on?.("drain", this.#onReady);
    output.on?.("error", this.#onGone);
    output.on?.("close", this.#onGone);
  }

  /** Whether nobody reads any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Writes bytes; when the stream wants a pause, the promise settles once it takes data again, or is gone. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#isGone || this.#output.write(bytes) !== false || this.#output.on === undefined) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  [Symbol.dispose](): void {
    this.#output.off?.("drain", this.#onReady);
    this.#output.off?.("close", this.#onGone);
    // A failure of the last write may still come, and must not end the process: the listener for errors stays.
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
