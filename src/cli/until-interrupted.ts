import type { Output } from "./io.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Does work that goes on until somebody ends it, which is a proper end: a signal to this process, or a reader of its
 * output that has gone, abort the signal that the work is given.
 */
export async function untilInterrupted<T>(output: Output, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  for (const signal of SIGNALS) process.on(signal, stop);
  output.on?.("error", stop);
  output.on?.("close", stop);
  try {
    return await work(controller.signal);
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
    output.off?.("close", stop);
    // A failure of the last write may still come, and must not end the process: the listener for errors stays.
  }
}
