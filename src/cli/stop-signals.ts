import type { RunningAttempt, StopRequest } from "../executor/executor.ts";

const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What a signal can end: an attempt, or another command. */
type Stoppable = Pick<RunningAttempt, "stop"> & Partial<RunningAttempt>;

/**
 * Does work that starts an attempt, and passes every signal that asks this process to end on to the attempt, so that
 * the run is recorded as stopped instead of lost. A signal that comes before the attempt has started stops it at once.
 */
export async function withStopSignals<T>(work: (onStart: (attempt: Stoppable) => void) => Promise<T>): Promise<T> {
  let attempt: Stoppable | undefined;
  let pending: StopRequest | undefined;
  const listeners = STOP_SIGNALS.map((signal) => {
    const listener = (): void => {
      if (attempt === undefined) pending = signal;
      else attempt.stop(signal);
    };
    process.on(signal, listener);
    return { signal, listener };
  });
  try {
    return await work((started) => {
      attempt = started;
      if (pending !== undefined) started.stop(pending);
    });
  } finally {
    for (const { signal, listener } of listeners) process.off(signal, listener);
  }
}

/** Does work that ends when its signal is aborted, and aborts it when this process is asked to end. */
export async function withAbortSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onSignal = (): void => controller.abort();
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  try {
    return await work(controller.signal);
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
  }
}
