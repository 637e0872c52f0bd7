import { hostname } from "node:os";

import { readQueueTiming } from "../app/queue-timing.ts";
import type { Repo } from "../app/repo.ts";
import type { SessionOptions } from "../app/run-pending.ts";
import type { WorkControl, WorkEvent } from "../app/work-events.ts";
import { AexpError } from "../model/errors.ts";
import { currentUser } from "../wiring/current-user.ts";

const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type StopSignal = (typeof STOP_SIGNALS)[number];

/** What a command that executes runs of the queue takes from its surroundings. */
export interface WorkPlace {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly observe: (event: WorkEvent) => void;
}

/**
 * What {@link work} needs to know of a process that executes runs of the queue.
 *
 * @throws {AexpError} `cli.usage` inside a run: what it starts would take the place of the run's own work
 */
export async function toSessionOptions(repo: Repo, workerId: string, place: WorkPlace): Promise<SessionOptions> {
  const { env, observe } = place;
  if (env["AEXP_WORKER"]) {
    throw new AexpError(`this is a run of worker ${env["AEXP_WORKER"]}, and a run starts no workers`, {
      code: "cli.usage",
      hint: "Queue what is to follow with `aexp queue add`; workers execute it.",
    });
  }
  const { minFreeBytes } = await repo.readConfig();
  return { workerId, timing: readQueueTiming(env), minFreeBytes, owner: currentUser(), env, observe };
}

/** A name for this process as a worker: unique on its machine, and readable. */
export function newWorkerId(label: string): string {
  const machine = hostname().split(".")[0] ?? hostname();
  return `${label}-${machine}-${process.pid}-${Date.now().toString(36).slice(-4)}`;
}

/**
 * Does work that can be ended, and tells `onSignal` of every signal that asks this process to end, and how often one
 * has come. What comes before the work can be controlled is told once it can.
 */
export async function withWorkSignals<T>(
  task: (onStart: (control: WorkControl) => void) => Promise<T>,
  onSignal: (control: WorkControl, signal: StopSignal, times: number) => void,
): Promise<T> {
  let control: WorkControl | undefined;
  const early: StopSignal[] = [];
  let times = 0;
  const tell = (signal: StopSignal): void => {
    if (control === undefined) early.push(signal);
    else onSignal(control, signal, (times += 1));
  };
  const listeners = STOP_SIGNALS.map((signal) => {
    const listener = (): void => tell(signal);
    process.on(signal, listener);
    return { signal, listener };
  });
  try {
    return await task((started) => {
      control = started;
      for (const signal of early) tell(signal);
    });
  } finally {
    for (const { signal, listener } of listeners) process.off(signal, listener);
  }
}
