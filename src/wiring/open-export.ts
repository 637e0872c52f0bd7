import type { Repo } from "../app/repo.ts";
import { checkTarget } from "../export/fs/check-target.ts";
import { findLicense } from "../export/fs/find-license.ts";
import { FsExportFolder } from "../export/fs/fs-export-folder.ts";
import { FsExportText } from "../export/fs/fs-export-text.ts";
import type { ExportFolder, ExportText } from "../export/export-folder.ts";

/** Where an export may go. */
export interface ExportPlace {
  /** Absolute. */
  readonly path: string;
  readonly openText: () => ExportText;
  readonly openFolder: () => ExportFolder;
}

/**
 * Checks the place that a user names for an export; nothing is written yet.
 *
 * @throws {AexpError} `export.out_exists`, `export.out_unusable`
 */
export function openExportPlace(
  repo: Repo,
  target: {
    readonly out: string;
    readonly cwd: string;
    readonly format: string;
    readonly isFolder: boolean;
    readonly isForced: boolean;
  },
): ExportPlace {
  const path = checkTarget(
    { ...target, kind: target.isFolder ? "folder" : "file" },
    { root: repo.root, home: repo.home, runStore: repo.runs.path },
  );
  return {
    path,
    openText: () => new FsExportText(path),
    openFolder: () => new FsExportFolder(path, target.format),
  };
}

/** The text of the license file of a repository. */
export function findRepoLicense(repo: Repo): string | undefined {
  return findLicense(repo.root);
}
