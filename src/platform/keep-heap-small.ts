import { setFlagsFromString } from "node:v8";

/**
 * Keeps the part of the heap where V8 puts new objects from growing with the work that is done. A process that lives for
 * days and starts others needs that more than quick allocation: each start copies the tables of all its memory.
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
