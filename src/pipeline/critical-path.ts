/** A chain of runs, each waiting for the one before, that took longest. */
export interface CriticalPath {
  /** Places of its runs, first to last. */
  readonly places: readonly number[];
  /** All its runs together; their waiting is not in it. */
  readonly seconds: number;
}

/**
 * The chain of a graph that took longest: no number of workers makes the whole any faster. Among equals, the one whose
 * runs come first.
 *
 * @param seconds of each run; what was not measured counts as nothing
 * @param edges from each run to one that waits for it; the places of the first are smaller
 * @returns `undefined` when nothing was measured
 */
export function findCriticalPath(
  seconds: readonly (number | undefined)[],
  edges: readonly { readonly from: number; readonly to: number }[],
): CriticalPath | undefined {
  const before = seconds.map(() => ({ place: -1, seconds: 0 }));
  const total = seconds.map((own) => own ?? 0);
  // Each run's own chain is complete when the first edge that leaves it is looked at.
  for (const { from, to } of edges.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    const length = (before[from]?.seconds ?? 0) + (total[from] ?? 0);
    const known = before[to];
    if (known === undefined || length <= known.seconds) continue;
    before[to] = { place: from, seconds: length };
  }
  const ends = total.map((own, place) => own + (before[place]?.seconds ?? 0));
  const longest = ends.reduce((most, end) => Math.max(most, end), 0);
  if (longest === 0) return undefined;
  const places: number[] = [];
  for (let place = ends.indexOf(longest); place >= 0; place = before[place]?.place ?? -1) places.push(place);
  return { places: places.toReversed(), seconds: longest };
}
