import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";

/** A process in the background that lives on when this one ends. */
export interface DetachedProcess {
  readonly pid: number;
  /** Settles with its exit code, or `null` when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Lets this process end although that one lives. */
  leave(): void;
}

/** How a process in the background is started. */
export interface DetachedCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file that everything it prints is appended to. */
  readonly logPath: string;
}

/** Starts a process in a session of its own, which no terminal can end, with nothing to read. */
export async function startDetached({ argv, cwd, env, logPath }: DetachedCommand): Promise<DetachedProcess> {
  const [program = "", ...args] = argv;
  const log = openSync(logPath, "a", 0o600);
  try {
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ["ignore", log, log] });
    const { promise: ended, resolve } = Promise.withResolvers<number | null>();
    child.on("exit", resolve);
    await once(child, "spawn");
    return { pid: child.pid ?? 0, ended, leave: () => child.unref() };
  } finally {
    closeSync(log);
  }
}
