import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";

import type { ProcessRecord } from "../../run/document.ts";
import type { AttemptEnd, AttemptSpec } from "../executor.ts";
import type { AttemptFolder } from "./attempt-folder.ts";

/** A program under way whose output we read. */
export type Child = ChildProcessByStdio<Writable | null, Readable, Readable>;

/** How an attempt's program is started and its end is kept: in front of a terminal, or under a supervisor. */
export interface Launch {
  /** Starts the program, in a process group of its own. */
  spawn(spec: AttemptSpec): Child;

  /**
   * Records the program's process.
   *
   * @returns why the program must not go on; `undefined` when it may
   */
  record(child: Child, group: ProcessRecord): string | undefined;

  /** Whether another process asked for the program's end. */
  isStopAsked(): boolean;

  keepEnd(end: AttemptEnd): Promise<void>;
}

/** Starts a program that shares our standard input and is known by its record as soon as that is written. */
export function launchDirectly(folder: AttemptFolder): Launch {
  return {
    spawn: ({ argv: [program = "", ...args], cwd, env }) =>
      spawn(program, args, { cwd, env, detached: true, stdio: ["inherit", "pipe", "pipe"] }),
    record(_child, group) {
      // For extras: a full disk must not end the program.
      void folder.writeProcess(group).catch(() => undefined);
      return undefined;
    },
    isStopAsked: () => false,
    keepEnd: (end) => folder.writeEnd(end, "each"),
  };
}
