/** What lies between two commits. Apart from `Git`, because only `runs diff` asks. */
export interface CodeHistory {
  /**
   * The unified diff from one commit to another, without colour.
   *
   * @returns `undefined` when this clone does not have both commits, or there is no repository
   */
  diff(from: string, to: string): Promise<string | undefined>;
}
