/** The tools that aexp is compared with; `scripts/install-bench-tools.sh` installs them. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Where the script puts what is no package of the system. */
const OWN_PLACES = ["pueue/bin", "dvc-venv/bin"];

/** Lets everything that is started from here find the tools that the script put into `.cache`. */
export function findOwnTools(): void {
  const cache = join(import.meta.dirname, "..", ".cache");
  // Behind the system's own: the virtual environment has a Python that nobody else is to use.
  process.env["PATH"] = [process.env["PATH"], ...OWN_PLACES.map((place) => join(cache, place))].join(":");
}

export function isInstalled(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}
