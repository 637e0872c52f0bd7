/** A folder whose path may stand in the arguments of a program, and where its files are now. */
export interface Move {
  /** Absolute, without a slash at its end. */
  readonly from: string;
  /**
   * The new path of what lies below the folder; `undefined` when it stays where it is.
   *
   * @param rest what follows the folder's path, empty or with a slash at its beginning
   */
  readonly to: (rest: string) => string | undefined;
}

/** What a path in an argument or a line for `sh` ends at. One with spaces is only followed up to the first. */
const END = /[\s'"`;|&<>(),:=*?$\\]/;

/**
 * An argument, or a line for `sh`, with the paths of some folders replaced by others. A folder is only recognised where
 * its path begins and ends a name: `/repo` is not in `/repository` nor in `/old/repo`.
 *
 * @param moves of several that fit, the first that moves the path counts
 */
export function relocate(text: string, moves: readonly Move[]): string {
  let result = "";
  for (let index = 0; index < text.length;) {
    const found = moveAt(text, index, moves);
    if (found === undefined) {
      result += text[index] ?? "";
      index += 1;
    } else {
      result += found.path;
      index = found.end;
    }
  }
  return result;
}

function moveAt(
  text: string,
  index: number,
  moves: readonly Move[],
): { readonly path: string; readonly end: number } | undefined {
  if (text[index] !== "/" || (index > 0 && !END.test(text[index - 1] ?? ""))) return undefined;
  for (const { from, to } of moves) {
    const start = index + from.length;
    if (!text.startsWith(from, index) || !isNameEnd(text[start])) continue;
    const length = text.slice(start).search(END);
    const end = length === -1 ? text.length : start + length;
    const path = to(text.slice(start, end));
    if (path !== undefined) return { path, end };
  }
  return undefined;
}

function isNameEnd(character: string | undefined): boolean {
  return character === undefined || character === "/" || END.test(character);
}
