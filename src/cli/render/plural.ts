import { renderCount } from "./value.ts";

/** `1 run`, `1,243 runs`; `many` is for words that do not just end in an s. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${renderCount(count)} ${count === 1 ? one : many}`;
}
