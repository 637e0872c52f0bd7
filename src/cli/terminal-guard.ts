import type { Output } from "./io.ts";

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";

/**
 * Takes the cursor away from a terminal, and gives it back however this process ends: by itself, by an error, by
 * Ctrl-\ or, for a while, by Ctrl-Z.
 */
export class TerminalGuard {
  readonly #output: Output;
  readonly #onBack: () => void;
  readonly #show = (): void => {
    this.#output.write(SHOW_CURSOR);
  };
  readonly #onQuit = (): void => {
    this.release();
    process.kill(process.pid, "SIGQUIT");
  };
  readonly #onSuspend = (): void => {
    this.#show();
    process.kill(process.pid, "SIGSTOP");
  };
  readonly #onContinue = (): void => {
    this.#output.write(HIDE_CURSOR);
    this.#onBack();
  };
  #isTaken = false;

  /** @param onBack told when the process goes on after Ctrl-Z: others have written to the terminal meanwhile */
  constructor(output: Output, onBack: () => void) {
    this.#output = output;
    this.#onBack = onBack;
  }

  take(): void {
    if (this.#isTaken) return;
    this.#isTaken = true;
    process.on("exit", this.#show);
    process.on("SIGQUIT", this.#onQuit);
    process.on("SIGTSTP", this.#onSuspend);
    process.on("SIGCONT", this.#onContinue);
    this.#output.write(HIDE_CURSOR);
  }

  release(): void {
    if (!this.#isTaken) return;
    this.#isTaken = false;
    process.off("exit", this.#show);
    process.off("SIGQUIT", this.#onQuit);
    process.off("SIGTSTP", this.#onSuspend);
    process.off("SIGCONT", this.#onContinue);
    this.#show();
  }
}
