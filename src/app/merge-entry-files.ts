import { mergeEntryTexts } from "../ledger/merge.ts";
import type { TextFiles } from "../install/text-files.ts";

/** Names of the files that git hands to a merge driver. */
export interface MergeFiles {
  readonly ours: string;
  readonly theirs: string;
  /** Path of the merged file in the repository. */
  readonly path?: string | undefined;
}

/**
 * Merges two versions of an entry into the first file.
 *
 * @returns false when neither is an entry; then nothing is written
 */
export async function mergeEntryFiles(files: TextFiles, { ours, theirs, path = "" }: MergeFiles): Promise<boolean> {
  const mine = files.read(ours) ?? "";
  const text = mergeEntryTexts(path.slice(path.lastIndexOf("/") + 1), mine, files.read(theirs) ?? "");
  if (text === undefined) return false;
  if (text !== mine) await files.write(ours, text);
  return true;
}
