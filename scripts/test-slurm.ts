/**
 * Runs the tests against a real SLURM: installs Debian's packages when they are missing, starts a cluster of this one
 * machine on loopback in a folder of its own, and stops it again. What cannot be had is a failure, never a skip.
 * Arguments are passed on to the test runner.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { SlurmCluster } from "./slurm/cluster.ts";

const ROOT = join(import.meta.dirname, "..");
const PACKAGES = ["munge", "mariadb-server-core", "slurmdbd", "slurmctld", "slurmd", "slurm-client"];
const PROGRAMS = ["munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd", "sbatch", "sacct"];
/** While this file says no, packages start no services when they are installed. */
const POLICY = "/usr/sbin/policy-rc.d";

install();
// Short, because of the sockets in it.
const folder = mkdtempSync("/tmp/aexp-slurm-");
const cluster = await SlurmCluster.create(folder, { hasAccounting: true, cpus: 8 });
let isStopping = false;
const stop = async (exitCode: number): Promise<never> => {
  if (!isStopping) {
    isStopping = true;
    await cluster.stop();
    if (exitCode === 0) rmSync(folder, { recursive: true, force: true });
    else process.stderr.write(`the logs of SLURM are in ${join(folder, "log")}\n`);
  }
  process.exit(exitCode);
};
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void stop(130));

let exitCode = 1;
try {
  const begin = performance.now();
  await cluster.start();
  const { stdout } = await cluster.run("sinfo", "--version");
  process.stdout.write(`${stdout.trim()} is up after ${((performance.now() - begin) / 1000).toFixed(1)} s\n`);
  const args = ["vitest", "run", "--config", "test/slurm/vitest.config.ts", ...process.argv.slice(2)];
  const env = { ...process.env, ...cluster.env, AEXP_SLURM_FOLDER: folder };
  exitCode = spawnSync("npx", args, { cwd: ROOT, env, stdio: "inherit" }).status ?? 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}
await stop(exitCode);

function install(): void {
  const missing = PROGRAMS.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  process.stdout.write(`Installing ${PACKAGES.join(", ")} (there is no ${missing.join(", no ")}) …\n`);
  const hadPolicy = existsSync(POLICY);
  try {
    if (!hadPolicy) writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
    aptGet("update", "--quiet=2");
    aptGet("install", "--yes", "--quiet=2", "--no-install-recommends", ...PACKAGES);
  } catch (error) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.stderr.write(`Install ${PACKAGES.join(" ")} as root, then run this again.\n`);
    process.exit(2);
  } finally {
    if (!hadPolicy) rmSync(POLICY, { force: true });
  }
}

function aptGet(...args: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status, error } = spawnSync("apt-get", args, { env, stdio: ["ignore", "ignore", "inherit"] });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`apt-get ${args[0] ?? ""} failed with exit code ${status ?? "none"}`);
}

function isInstalled(name: string): boolean {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];
  return folders.some((path) => {
    try {
      accessSync(join(path, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
