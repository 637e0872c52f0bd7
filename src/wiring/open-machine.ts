import type { Machine } from "../doctor/machine.ts";
import { LocalMachine } from "../doctor/local/local-machine.ts";

/** The machine that this process runs on. */
export function openMachine(env: Readonly<Record<string, string | undefined>>): Machine {
  return new LocalMachine(env);
}
