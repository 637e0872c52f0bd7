import { existsSync, realpathSync, type Stats, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

import type { Repo } from "../app/repo.ts";
import { readInstalledMarker } from "../config/fs/find-root.ts";
import { systemErrorCode } from "../model/errors.ts";
import type { Clone } from "../queue/postgres/clones.ts";
import { shortHostName } from "./open-repo.ts";

/** The clone of a repository, as a queue that it shares with others knows it. */
export function cloneOf({ root, machineLabel }: Pick<Repo, "root" | "machineLabel">): Clone {
  return {
    machine: machineLabel,
    host: hostname(),
    root: realpathSync(root),
    isNamesake: (other) => isNamesake(other, root, machineLabel),
  };
}

/** The same clone may be seen at two places, as through a mount. */
function isNamesake(other: string, root: string, machineLabel: string): boolean {
  const there = lookAt(other);
  if (there === "nothing") return false;
  // Another user's, which we may not even see: its name is the one under which it was noted.
  if (there === "closed") return true;
  const here = statSync(root);
  if (there.dev === here.dev && there.ino === here.ino) return false;
  const marker = readInstalledMarker(other, () => undefined);
  if (marker === undefined && !existsSync(join(other, ".git"))) return false;
  return (marker?.machine_label ?? shortHostName()) === machineLabel;
}

function lookAt(path: string): Stats | "nothing" | "closed" {
  try {
    return statSync(path);
  } catch (error) {
    const code = systemErrorCode(error);
    return code === "ENOENT" || code === "ENOTDIR" ? "nothing" : "closed";
  }
}
