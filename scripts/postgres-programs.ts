import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const MINIMUM_VERSION = 14;

/**
 * The folder with the programs of a PostgreSQL server: the one that AEXP_POSTGRES_BIN names, the newest on this machine,
 * or one that is installed now, where that is possible.
 *
 * @throws when there is none
 */
export function providePrograms(): string {
  const folder = findPrograms() ?? install();
  if (folder !== undefined) return folder;
  throw new Error(
    `no PostgreSQL ${MINIMUM_VERSION} or newer is here. Install it (Debian: apt-get install postgresql), or name the ` +
      "folder of initdb and postgres with AEXP_POSTGRES_BIN.",
  );
}

/** Debian keeps each version in a folder that is not on the path. */
function findPrograms(): string | undefined {
  const named = process.env["AEXP_POSTGRES_BIN"];
  const candidates = [
    ...(named === undefined ? [] : [named]),
    ...globSync("/usr/{lib/postgresql,pgsql-}*{,/*}/bin").toSorted().toReversed(),
    ...(process.env["PATH"] ?? "").split(":"),
  ];
  return candidates.find((candidate) => versionIn(candidate) >= MINIMUM_VERSION);
}

function versionIn(candidate: string): number {
  if (!existsSync(join(candidate, "postgres")) || !existsSync(join(candidate, "initdb"))) return 0;
  const { stdout } = spawnSync(join(candidate, "postgres"), ["--version"], { encoding: "utf8" });
  return Number(/\b(\d+)(?:\.\d+)*/.exec(stdout)?.[1] ?? 0);
}

function install(): string | undefined {
  if (process.getuid?.() !== 0 || spawnSync("apt-get", ["--version"]).status !== 0) return undefined;
  process.stdout.write("Installing PostgreSQL …\n");
  // Only the programs are wanted, no server that starts with the machine.
  const settings = "/etc/postgresql-common/createcluster.conf";
  if (!existsSync(settings)) {
    mkdirSync(dirname(settings), { recursive: true });
    writeFileSync(settings, "create_main_cluster = false\n");
  }
  aptGet("update");
  aptGet("-o", "Dpkg::Options::=--force-confold", "--no-install-recommends", "install", "postgresql");
  return findPrograms();
}

function aptGet(...argv: readonly string[]): void {
  spawnSync("apt-get", ["-q", "-y", ...argv], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
}
