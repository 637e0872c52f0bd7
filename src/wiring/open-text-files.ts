import { FsTextFiles } from "../install/fs/fs-text-files.ts";
import type { TextFiles } from "../install/text-files.ts";

/** The small text files below a folder. */
export function openTextFiles(folder: string): TextFiles {
  return new FsTextFiles(folder);
}
