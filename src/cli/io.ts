/** A stream that a command prints to. */
export interface Output {
  /** False when the stream wants a pause, as Node's streams do. */
  write(data: string | Uint8Array): unknown;
  /** Calls back once when the stream takes data again, or never will. */
  once?(event: "drain" | "close" | "error", listener: () => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The outside world of one command line: what the process has, or what a test passes in. */
export interface CliIo {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Writes bytes; when the stream wants a pause, the promise settles once it takes data again, or is gone. */
export function passOn(output: Output, bytes: Uint8Array): Promise<void> | undefined {
  if (output.write(bytes) !== false || output.once === undefined) return undefined;
  return new Promise((resolve) => {
    for (const event of ["drain", "close", "error"] as const) output.once?.(event, resolve);
  });
}
