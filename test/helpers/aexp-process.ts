import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");

/** An aexp command line in a process of its own. */
export interface AexpProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it printed so far. */
  readonly printed: { stdout: string; stderr: string };
  readonly ended: Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** Starts `aexp` in `cwd`; it is killed when the test ends. */
export function startAexp(
  cwd: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): AexpProcess {
  const child = spawn(process.execPath, [MAIN, ...argv], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const printed = { stdout: "", stderr: "" };
  child.stdout.on("data", (bytes: Buffer) => (printed.stdout += bytes.toString("utf8")));
  child.stderr.on("data", (bytes: Buffer) => (printed.stderr += bytes.toString("utf8")));
  if (child.pid === undefined) throw new Error("aexp did not start");
  const ended = once(child, "close").then(() => ({ exitCode: child.exitCode, signal: child.signalCode }));
  return { child, pid: child.pid, printed, ended };
}

/** Whether a process runs; one that is dead and not yet reaped does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return process.platform !== "linux" || !/\) [ZX]/.test(readStat(pid));
}

function readStat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return ") X";
  }
}
