/**
 * The files and folders that the user wants to hear about; everything, when none is named. What is said about a folder
 * also concerns the files in it: a run is reported by its folder.
 */
export class Selection {
  readonly #paths: readonly string[];
  readonly #matched = new Set<string>();

  /** @param paths relative to the repository root, with forward slashes; an empty text is the root */
  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  readonly includes = (path: string): boolean => {
    if (this.#paths.length === 0) return true;
    const matches = this.#paths.filter(
      (selected) =>
        selected === "" || path === selected || path.startsWith(`${selected}/`) || selected.startsWith(`${path}/`),
    );
    for (const match of matches) this.#matched.add(match);
    return matches.length > 0;
  };

  /** Whether exactly this path was named. */
  readonly names = (path: string): boolean => this.#paths.includes(path);

  /** The named paths below which nothing was asked about. */
  unmatched(): readonly string[] {
    return this.#paths.filter((path) => !this.#matched.has(path));
  }
}
