import { setTimeout as sleep } from "node:timers/promises";

import type { JsonObject } from "../../../model/json.ts";
import type { ProcessRecord } from "../../../run/document.ts";
import type { AttemptEnd } from "../../executor.ts";
import type { SupervisedAttempt } from "../../supervisor.ts";
import type { AttemptFolder } from "../attempt-folder.ts";
import type { Supervision } from "../attempt-records.ts";
import { endGroup, signalSameGroup } from "../process-group.ts";
import { isSameProcessAlive } from "../process-identity.ts";
import { settleLost } from "./lost-attempt.ts";

/** How often the folder of an attempt is looked at whose supervisor cannot be asked. */
const POLL_MS = 100;

/** An attempt that the supervisor of a dead worker carries out, known by what it writes to the attempt's folder. */
export class AdoptedAttempt implements SupervisedAttempt {
  readonly process: ProcessRecord;
  readonly ended: Promise<AttemptEnd>;
  readonly lastMetric: () => JsonObject | undefined;
  readonly #folder: AttemptFolder;
  readonly #supervision: Supervision;
  #asked: Promise<void> | undefined;
  #isEnding = false;
  #hasEnded = false;

  constructor(folder: AttemptFolder, supervision: Supervision, lastMetric: () => JsonObject | undefined) {
    this.process = supervision.program;
    this.lastMetric = lastMetric;
    this.#folder = folder;
    this.#supervision = supervision;
    this.ended = this.#untilEnded().finally(() => {
      this.#hasEnded = true;
    });
  }

  hasEnded(): boolean {
    return this.#hasEnded;
  }

  stop(mode: "graceful" | "kill"): void {
    // After the program's end its supervisor alone deals with what it left.
    if (!isSameProcessAlive(this.process)) return;
    // First the wish, then the signal: the supervisor must not take the end for the program's own.
    // On a full disk nobody learns the wish, and the end counts as the program's own; it must be stopped all the same.
    this.#asked ??= this.#folder.writeStop(Date.now()).catch(() => undefined);
    if (mode === "kill") void this.#asked.then(() => signalSameGroup(this.process, "SIGKILL"));
    else if (!this.#isEnding) void this.#asked.then(() => endGroup(this.process, this.#supervision.graceMs));
    this.#isEnding = true;
  }

  async #untilEnded(): Promise<AttemptEnd> {
    for (;;) {
      const isSupervised = isSameProcessAlive(this.#supervision.supervisor);
      // Read after that look: what a supervisor wrote before it went is there by now.
      const end = this.#folder.readEnd();
      if (end !== undefined) return end;
      if (!isSupervised) break;
      await sleep(POLL_MS);
    }
    return await settleLost(this.#folder, this.#supervision.graceMs, "its worker died, and then its supervisor");
  }
}
