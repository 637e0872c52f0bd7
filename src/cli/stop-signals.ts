import type { RunningAttempt } from "../executor/executor.ts";

const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Does work that starts an attempt, and passes every signal that asks this process to end on to the attempt, so that
 * the run is recorded as stopped instead of lost. A signal that comes before the attempt has started stops it at once.
 */
export async function withStopSignals<T>(work: (onStart: (attempt: RunningAttempt) => void) => Promise<T>): Promise<T> {
  let attempt: RunningAttempt | undefined;
  let pending: string | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const by = signal === "SIGINT" ? "Ctrl-C" : signal;
    if (attempt === undefined) pending = by;
    else attempt.stop(by);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
  try {
    return await work((started) => {
      attempt = started;
      if (pending !== undefined) started.stop(pending);
    });
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
  }
}
