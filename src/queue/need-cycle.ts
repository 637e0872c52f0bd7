/**
 * One cycle of a graph, as the names on it with the first one repeated at the end; `undefined` when there is none that
 * can be reached from `starts`.
 */
export function findCycle<Id extends string>(
  starts: Iterable<Id>,
  needsOf: (id: Id) => readonly Id[],
): readonly Id[] | undefined {
  const finished = new Set<Id>();
  for (const start of starts) {
    const cycle = walk(start, needsOf, finished);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** Depth first with a stack of its own: a chain may be longer than the stack of calls allows. */
function walk<Id extends string>(
  start: Id,
  needsOf: (id: Id) => readonly Id[],
  finished: Set<Id>,
): readonly Id[] | undefined {
  if (finished.has(start)) return undefined;
  const path = [{ id: start, needs: needsOf(start), next: 0 }];
  const onPath = new Set<Id>([start]);
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const need = top.needs[top.next];
    top.next += 1;
    if (need === undefined) {
      path.pop();
      onPath.delete(top.id);
      finished.add(top.id);
    } else if (onPath.has(need)) {
      const ids = path.map(({ id }) => id);
      return [...ids.slice(ids.indexOf(need)), need];
    } else if (!finished.has(need)) {
      path.push({ id: need, needs: needsOf(need), next: 0 });
      onPath.add(need);
    }
  }
  return undefined;
}
