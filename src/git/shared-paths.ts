/** What `aexp sync` commits, relative to the root. */
export const SHARED_PATHS = [".aexp/ledger", ".aexp/runs-index", "kb", ".gitignore", ".gitattributes"] as const;

/** Whether a file is one that `aexp sync` commits: temporary files of a killed writer are not. */
export function isSharedFile(path: string): boolean {
  return (
    isEntryPath(path) ||
    /^\.aexp\/runs-index\/[^/]+\.json$/.test(path) ||
    /^(?:kb\/|\.git(?:ignore|attributes)$)/.test(path)
  );
}

/** Whether a file is an entry of the ledger. */
export function isEntryPath(path: string): boolean {
  return /^\.aexp\/ledger\/[^/]+\.json$/.test(path);
}
