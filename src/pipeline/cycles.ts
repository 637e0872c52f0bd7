import { findCycle } from "../queue/need-cycle.ts";

/** More cycles than these are not told at once. */
const MAX_CYCLES = 10;

/**
 * Cycles of a graph that share no stage, each as the names on it with the first one repeated at its end: `a, b, a` when
 * `a` needs `b`, and `b` needs `a`.
 */
export function findCycles(
  names: Iterable<string>,
  needsOf: (name: string) => readonly string[],
): readonly (readonly string[])[] {
  const all = [...names];
  const told = new Set<string>();
  const cycles: (readonly string[])[] = [];
  while (cycles.length < MAX_CYCLES) {
    const cycle = findCycle(
      all.filter((name) => !told.has(name)),
      (name) => needsOf(name).filter((need) => !told.has(need)),
    );
    if (cycle === undefined) break;
    cycles.push(cycle);
    for (const name of cycle) told.add(name);
  }
  return cycles;
}
