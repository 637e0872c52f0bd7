import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { Readable, type Writable } from "node:stream";

import type { ProcessRecord } from "../../run/document.ts";
import type { AttemptEnd, AttemptSpec } from "../executor.ts";
import type { AttemptFolder } from "./attempt-folder.ts";

/** A program under way whose output we read. */
export type Child = ChildProcessByStdio<Writable | null, Readable, Readable>;

/** How an attempt's program is started and its end is kept: in front of a terminal, or under a supervisor. */
export interface Launch {
  /**
   * Starts the program, in a process group of its own.
   *
   * @throws {Error} Node's own when it cannot be started, unless the child tells later
   */
  spawn(spec: AttemptSpec): Child;

  /**
   * Records the program's process, as soon as the program may go on.
   *
   * @returns why it must not; `undefined` when it may
   */
  record(child: Child, group: ProcessRecord): Promise<string | undefined>;

  /** Whether another process asked for the program's end. */
  isStopAsked(): boolean;

  keepEnd(end: AttemptEnd): Promise<void>;
}

/** Starts a program that shares our standard input and is known by its record as soon as that is written. */
export function launchDirectly(folder: AttemptFolder): Launch {
  return {
    spawn: ({ argv: [program = "", ...args], cwd, env }) =>
      requirePipes(spawn(program, args, { cwd, env, detached: true, stdio: ["inherit", "pipe", "pipe"] })),
    async record(_child, group) {
      // For extras: a full disk must not end the program.
      void folder.writeProcess(group).catch(() => undefined);
      return undefined;
    },
    isStopAsked: () => false,
    keepEnd: (end) => folder.writeEnd(end, "each"),
  };
}

/**
 * Node gives back a child without streams when no descriptor is left for them.
 *
 * @throws {Error} EMFILE
 */
export function requirePipes(child: ChildProcess): Child {
  if (hasPipes(child)) return child;
  // It tells the same later, and nobody would listen.
  child.on("error", () => undefined);
  throw Object.assign(new Error("too many files are open (EMFILE)"), { code: "EMFILE" });
}

function hasPipes(child: ChildProcess): child is Child {
  return child.stdout instanceof Readable && child.stderr instanceof Readable;
}
