import { setTimeout as sleep } from "node:timers/promises";

/** Waits until a condition holds; fails after a quarter of a minute, saying what was awaited. */
export async function waitUntil<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + 15_000;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`waited a quarter of a minute for ${what}`);
    await sleep(10);
  }
}
