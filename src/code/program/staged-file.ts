/** A line of `git ls-files --stage -z`. */
export interface StagedFile {
  readonly mode: string;
  readonly object: string;
  /** From the top of the work tree. */
  readonly path: string;
}

/** Reads such a line; `undefined` for anything else. */
export function toStagedFile(line: string): StagedFile | undefined {
  const [, mode, object, path] = /^(\d{6}) ([0-9a-f]+) \d\t(.+)$/s.exec(line) ?? [];
  if (mode === undefined || object === undefined || path === undefined) return undefined;
  return { mode, object, path };
}
