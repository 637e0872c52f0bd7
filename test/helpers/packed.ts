import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { git, initRepo } from "./git-repo.ts";
import { tempDir } from "./temp-dir.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** A repository in which the package is installed that would be published. */
export interface PackedProject {
  readonly root: string;
  /** Where the package is installed. */
  readonly installed: string;
  /** Runs the installed program, and gives what it prints; throws when it does not end with 0. */
  readonly aexp: (...args: string[]) => string;
}

/** Packs `dist` as it is, and installs that in a new repository, without the network. */
export function installPacked(): PackedProject {
  const place = tempDir();
  execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", place], { cwd: ROOT });
  const [tarball = ""] = readdirSync(place);
  const root = initRepo(join(place, "a project"));
  writeFileSync(join(root, "package.json"), '{ "private": true }');
  writeFileSync(join(root, ".gitignore"), "node_modules\n");
  execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", join(place, tarball)], {
    cwd: root,
    stdio: "ignore",
  });
  git(root, "add", "--all");
  git(root, "commit", "--quiet", "--message", "Start");
  const program = join(root, "node_modules", ".bin", "aexp");
  return {
    root,
    installed: join(root, "node_modules", "aexp"),
    aexp: (...args) =>
      execFileSync(program, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
  };
}
