import { type ChildProcess, spawn } from "node:child_process";

import { isReport, type Order, type Report } from "./messages.ts";

/** How the supervisor's process is started. */
export interface SupervisorCommand {
  /** Program and arguments that lead to `serveAttempts`. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The process that carries out attempts, seen from its worker. */
export class SupervisorProcess {
  /** Settles once the process is gone, with what it said of the reason. Nothing is reported afterwards. */
  readonly gone: Promise<string>;

  readonly #child: ChildProcess;
  #problem = "its supervisor died";

  constructor({ argv: [program = "", ...args], env }: SupervisorCommand, onReport: (report: Report) => void) {
    this.#child = spawn(program, args, {
      env,
      cwd: "/", // it outlives many a folder
      detached: true, // out of reach of the terminal and of whoever ends the worker's group
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      serialization: "advanced",
    });
    this.#child.on("message", (message: unknown) => {
      if (!isReport(message)) throw new Error(`the supervisor sent what is no report: ${JSON.stringify(message)}`);
      if (message.kind === "failed") this.#problem = `its supervisor failed: ${message.problem}`;
      onReport(message);
    });
    // Without its channel it would carry on for a worker that it takes for dead.
    this.#child.on("disconnect", () => this.#child.kill("SIGKILL"));
    this.gone = this.#untilGone();
  }

  send(order: Order): void {
    // A supervisor that is gone is noticed by its end, not by what could not be sent.
    if (this.#child.connected) this.#child.send(order, () => undefined);
  }

  /** Lets the process go once its last program has ended. Unless it is awaited, it keeps this one alive no more. */
  release(isAwaited: boolean): void {
    this.#child.removeAllListeners("disconnect");
    if (this.#child.connected) this.#child.disconnect();
    if (!isAwaited) this.#child.unref();
  }

  #untilGone(): Promise<string> {
    return new Promise((resolve) => {
      this.#child.on("exit", () => resolve(this.#problem));
      this.#child.on("error", (error) => {
        // Any other error is one of the channel, which ends with the process.
        if (this.#child.pid === undefined) resolve(`its supervisor could not be started: ${error.message}`);
      });
    });
  }
}
