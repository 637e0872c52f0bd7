import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { messageOf } from "../../model/errors.ts";
import type { ProcessRecord } from "../../run/document.ts";
import type { CommandEnd, CommandSpec, RunningCommand } from "../command.ts";
import { endGroup } from "./process-group.ts";
import { identifyProcess, isGroupAlive, recordOfGone } from "./process-identity.ts";

const TAIL_BYTES = 2048;
/** How long the end of the output is waited for that a process outside the group may hold open. */
const DRAIN_MS = 500;

/** Starts a command as a process group of this machine. */
export function startLocalCommand(spec: CommandSpec): RunningCommand {
  return new LocalCommand(spec);
}

class LocalCommand implements RunningCommand {
  readonly ended: Promise<CommandEnd>;
  readonly #spec: CommandSpec;
  #group: ProcessRecord | undefined;
  #tail = Buffer.alloc(0);

  constructor(spec: CommandSpec) {
    this.#spec = spec;
    this.ended = this.#run();
  }

  stop(graceMs: number): void {
    if (this.#group !== undefined) void endGroup(this.#group, graceMs);
  }

  async #run(): Promise<CommandEnd> {
    try {
      const child = this.#spawn();
      const closed = child.stdout === null ? undefined : once(child, "close");
      const cause = await causeOf(child);
      if (cause.kind !== "not_started") {
        if (this.#group !== undefined && isGroupAlive(this.#group)) await endGroup(this.#group, this.#spec.graceMs);
        await Promise.race([closed, sleep(DRAIN_MS, undefined, { ref: false })]);
      }
      child.stdout?.destroy();
      child.stderr?.destroy();
      return { cause, outputTail: this.#tail.toString("utf8") };
    } catch (error) {
      return { cause: { kind: "not_started", problem: messageOf(error) }, outputTail: "" };
    }
  }

  #spawn(): ChildProcess {
    const { argv, cwd, env, streams } = this.#spec;
    const [program = "", ...args] = argv;
    const child = spawn(program, args, { cwd, env, detached: true, stdio: toStdio(streams) });
    if (child.pid !== undefined) this.#group = identifyProcess(child.pid, child.pid) ?? recordOfGone(child.pid);
    for (const output of [child.stdout, child.stderr]) output?.on("data", (bytes: Buffer) => this.#keep(bytes));
    // A program need not read what it is told.
    child.stdin?.on("error", () => undefined);
    if (typeof streams === "object") child.stdin?.end(streams.input);
    return child;
  }

  #keep(bytes: Buffer): void {
    this.#tail = Buffer.concat([this.#tail, bytes]).subarray(-TAIL_BYTES);
  }
}

function toStdio(streams: CommandSpec["streams"]): ["inherit" | "pipe", 1 | 2 | "pipe", 2 | "pipe"] {
  if (typeof streams === "object") return ["pipe", "pipe", "pipe"];
  return ["inherit", streams === "ours" ? 1 : 2, 2];
}

async function causeOf(child: ChildProcess): Promise<CommandEnd["cause"]> {
  return await new Promise((resolve) => {
    child.on("error", (error) => resolve({ kind: "not_started", problem: messageOf(error) }));
    child.on("exit", (exitCode, signal) =>
      resolve(signal === null ? { kind: "exited", exitCode: exitCode ?? 1 } : { kind: "signalled", signal }),
    );
  });
}
