import { lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import { AexpError, messageOf } from "../../model/errors.ts";
import { isJsonObject } from "../../model/json.ts";
import { readTextFile } from "../../platform/read-file.ts";
import { EXPORT_MARKER } from "../export-folder.ts";
import { countNames } from "./fs-export-folder.ts";

const MAX_MARKER_BYTES = 16 * 1024 * 1024;

/** Folders that no export may take the place of, nor lie in. */
export interface ProtectedPlaces {
  readonly root: string;
  readonly home: string;
  readonly runStore: string;
}

/** Where an export goes. */
export interface ExportTarget {
  /** As the user wrote it, relative to the working directory. */
  readonly out: string;
  readonly cwd: string;
  readonly kind: "file" | "folder";
  /** Whether something that no export wrote may be replaced. */
  readonly isForced: boolean;
}

/**
 * The absolute path that an export may write, its parent resolved.
 *
 * @throws {AexpError} `export.out_exists` for what would be overwritten, `export.out_unusable` for a place that is never
 *   overwritten or that is not there
 */
export function checkTarget(target: ExportTarget, places: ProtectedPlaces): string {
  const named = resolve(target.cwd, target.out);
  const path = join(realParent(named), basename(named));
  checkPlace(path, places);
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return path;
  if (stat.isSymbolicLink()) throw unusable(path, "is a symbolic link, which an export does not replace");
  if (target.kind === "folder" && !stat.isDirectory()) throw unusable(path, "is a file, and this format is a folder");
  if (target.kind === "file" && !stat.isFile()) throw unusable(path, "is not a file");
  if (target.kind === "folder") checkFolder(path, target.isForced);
  else if (!target.isForced)
    throw exists(path, "is there already", "Choose another name, or add --force to replace it.");
  return path;
}

function realParent(path: string): string {
  const parent = dirname(path);
  try {
    if (statSync(parent).isDirectory()) return realpathSync(parent);
  } catch (error) {
    throw unusable(path, `cannot be made: ${messageOf(error)}`);
  }
  throw unusable(path, `cannot be made: ${JSON.stringify(parent)} is not a folder`);
}

function checkPlace(path: string, { root, home, runStore }: ProtectedPlaces): void {
  for (const [what, folder] of [
    ["the repository", root],
    ["your home folder", home],
    ["the run store", runStore],
  ] as const) {
    const real = realpathOr(folder);
    if (real === path || real.startsWith(`${path === "/" ? "" : path}/`)) throw unusable(path, `is or holds ${what}`);
  }
  for (const folder of [runStore, join(root, ".aexp"), join(root, ".git")].map(realpathOr)) {
    if (path === folder || path.startsWith(`${folder}/`)) throw unusable(path, `lies in ${JSON.stringify(folder)}`);
  }
}

function realpathOr(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // it is not there (yet), or nobody may look: then its name is all there is to compare
  }
}

function checkFolder(path: string, isForced: boolean): void {
  if (lstatSync(join(path, ".git"), { throwIfNoEntry: false }) !== undefined) {
    throw unusable(path, "is a git repository, which an export does not replace");
  }
  if (isForced || readdirSync(path).length === 0) return;
  const names = countNames(path);
  const exported = namesOfMarker(path);
  if (exported === undefined) {
    throw exists(path, "is a folder that no export wrote", "Choose another name, or add --force to delete it.");
  }
  const changed = Object.keys({ ...names, ...exported }).find((folder) => names[folder] !== exported[folder]);
  if (changed === undefined) return;
  const where = changed === "" ? "in it" : `in its folder ${JSON.stringify(changed)}`;
  throw exists(
    path,
    `was exported before, and has other files ${where} now`,
    "Choose another name, or add --force to delete it with those files.",
  );
}

/** What {@link countNames} said when the folder was written; `undefined` for a folder that no export wrote. */
function namesOfMarker(path: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(readTextFile(join(path, EXPORT_MARKER), MAX_MARKER_BYTES, { noFollow: true }));
    return isJsonObject(value) && value["aexp_export"] === 1 && isJsonObject(value["names"])
      ? value["names"]
      : undefined;
  } catch {
    return undefined; // none, or one that cannot be read
  }
}

function exists(path: string, problem: string, hint: string): AexpError {
  return new AexpError(`${JSON.stringify(path)} ${problem}`, { code: "export.out_exists", hint });
}

function unusable(path: string, problem: string): AexpError {
  return new AexpError(`${JSON.stringify(path)} ${problem}`, {
    code: "export.out_unusable",
    hint: "Name another place with --out.",
  });
}
