/** So many jobs are submitted together at most, whatever the scheduler would take. */
export const MAX_ARRAY = 1000;

/** How the scheduler calls one element of an array. */
export function toElementId(arrayId: string, index: number): string {
  return `${arrayId}_${index}`;
}

/** Under which number a job is asked for: an element under that of its whole array. */
export function toAskedId(schedulerJobId: string): string {
  return schedulerJobId.split("_", 1)[0] ?? schedulerJobId;
}

/** Which element of an array a job is; `undefined` for a job of its own. */
export function indexOf(schedulerJobId: string): number | undefined {
  const index = /^\d+_(\d+)$/.exec(schedulerJobId)?.[1];
  return index === undefined ? undefined : Number(index);
}

/** Order of submission. */
export function compareSchedulerIds(a: string, b: string): number {
  return Number(toAskedId(a)) - Number(toAskedId(b)) || (indexOf(a) ?? 0) - (indexOf(b) ?? 0);
}

/**
 * All jobs that a line of the scheduler stands for: `12` and `12_3` for themselves, `12_[0-2,7%4]` and `12_[0-6:2]` for
 * the elements of an array that wait together.
 *
 * @returns nothing for anything else
 */
export function expandJobIds(text: string): readonly string[] {
  if (/^\d+(?:_\d+)?$/.test(text)) return [text];
  const [, arrayId, list] = /^(\d+)_\[([\d,:-]+)(?:%\d+)?\]$/.exec(text) ?? [];
  if (arrayId === undefined || list === undefined) return [];
  return list.split(",").flatMap((part) => {
    const [, first, last = first, step = "1"] = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(part) ?? [];
    const ids: string[] = [];
    for (let index = Number(first); index <= Number(last) && index < MAX_ARRAY; index += Number(step) || 1) {
      ids.push(toElementId(arrayId, index));
    }
    return ids;
  });
}
