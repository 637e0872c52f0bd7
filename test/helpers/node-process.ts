import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { onTestFinished } from "vitest";

const PROGRAMS = join(import.meta.dirname, "..", "fixtures", "programs");

/** A program of the fixtures in a process of its own. */
export interface NodeProcess {
  readonly child: ChildProcess;
  /** What it wrote to its standard output so far. */
  readonly printed: () => string;
  readonly ended: Promise<unknown>;
}

/** Starts a program of the fixtures; it is killed when the test ends. */
export function startNode(program: string, argv: readonly string[]): NodeProcess {
  const child = spawn(process.execPath, [join(PROGRAMS, program), ...argv], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let printed = "";
  child.stdout.on("data", (bytes: Buffer) => (printed += bytes.toString("utf8")));
  return { child, printed: () => printed, ended: once(child, "exit") };
}
