import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { AexpError, messageOf, systemErrorCode } from "../../model/errors.ts";
import { type InstalledMarker, parseInstalledMarker } from "../installed-marker.ts";

/** Where the marker of an installed repository stands, relative to the root. */
const MARKER_PATH = ".aexp/installed.json";

/**
 * Walks up from `start` to the first folder with `.git` (folder or file) or an install marker.
 *
 * @throws {AexpError} `repo.not_found`
 */
export function findRoot(start: string): string {
  for (let folder = resolve(start); ; folder = dirname(folder)) {
    if (existsSync(join(folder, ".git")) || existsSync(join(folder, MARKER_PATH))) return folder;
    if (dirname(folder) === folder) break;
  }
  throw new AexpError(
    `no repository here: looked for .git and ${MARKER_PATH} in ${resolve(start)} and every folder above it`,
    { code: "repo.not_found", hint: "Run `git init` and `aexp install`, or name the folder with --repo." },
  );
}

/**
 * A folder that the user named as the repository, as an absolute path.
 *
 * @throws {AexpError} `repo.not_found` when it is no folder
 */
export function checkNamedRoot(folder: string): string {
  const path = resolve(folder);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return path;
  throw new AexpError(`${JSON.stringify(folder)} is not a folder`, {
    code: "repo.not_found",
    hint: "Check the value of --repo or of the variable AEXP_REPO.",
  });
}

/** The install marker of a repository; one that cannot be read counts as absent and is told to `warn`. */
export function readInstalledMarker(root: string, warn: (message: string) => void): InstalledMarker | undefined {
  let text: string;
  try {
    text = readFileSync(join(root, MARKER_PATH), "utf8");
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT")
      warn(`${MARKER_PATH} cannot be read (${messageOf(error)}); it counts as absent`);
    return undefined;
  }
  const marker = parseInstalledMarker(text);
  if (marker === undefined) warn(`${MARKER_PATH} is not an install marker; it counts as absent (run \`aexp install\`)`);
  return marker;
}
