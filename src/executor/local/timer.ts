/** Node's own timers fire at once when they are to wait longer, which is not quite 25 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Calls back once after any time, unless it is disposed before. */
export function startTimer(ms: number, callback: () => void): Disposable {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    const nextMs = Math.min(leftMs, MAX_TIMER_MS);
    timer = setTimeout(() => (leftMs > nextMs ? wait(leftMs - nextMs) : callback()), nextMs);
  };
  wait(ms);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
