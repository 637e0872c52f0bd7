import type { NodeProbe, SchedulerFacts } from "../executor/batch-executor.ts";
import { toSafeLine } from "../model/terminal-text.ts";
import type { Check } from "./checks.ts";

/** Times of jobs are compared with ours only to the second, and ends are never taken to lie ahead. */
const MAX_CLOCK_DIFFERENCE_MS = 5000;

/** What SLURM says about itself, and whether that is enough. */
export function checkScheduler(facts: SchedulerFacts, partition: string | undefined): readonly Check[] {
  if (facts.problem !== undefined) {
    const hint = "Ask those who run the cluster; jobs go on, and nothing is decided until it answers.";
    return [{ name: "slurm", state: "bad", message: facts.problem, hint }];
  }
  return [
    { name: "slurm", state: "ok", message: facts.version },
    checkAccounting(facts.hasAccounting),
    checkPartitions(facts.partitions, partition),
    checkClock("slurm clock", "SLURM's clock", facts.clockDifferenceMs),
  ];
}

function checkAccounting(hasAccounting: boolean): Check {
  const name = "slurm accounting";
  if (hasAccounting) return { name, state: "ok", message: "sacct answers" };
  return {
    name,
    state: "warning",
    message: "there is none, and the controller forgets ended jobs after some minutes",
    hint: "Keep `aexp agent start` running, so that no end is missed.",
  };
}

function checkPartitions(present: readonly string[], wanted: string | undefined): Check {
  const name = "slurm partitions";
  const list = present.join(", ");
  if (present.length === 0) {
    return { name, state: "bad", message: "none is up", hint: "See `sinfo --summarize`." };
  }
  const missing = (wanted?.split(",") ?? []).find((one) => !present.includes(one));
  if (missing === undefined) return { name, state: "ok", message: list };
  return {
    name,
    state: "bad",
    message: `${missing}, which aexp.yaml names, is not among ${list}`,
    hint: "Set executors.slurm.partition in aexp.yaml; `sinfo --summarize` lists them.",
  };
}

function checkClock(name: string, clock: string, difference: number | undefined): Check {
  if (difference === undefined) return { name, state: "ok", message: "nothing to compare with" };
  if (Math.abs(difference) <= MAX_CLOCK_DIFFERENCE_MS) return { name, state: "ok", message: "agrees with ours" };
  const seconds = Math.round(Math.abs(difference) / 1000);
  return {
    name,
    state: "warning",
    message: `${clock} is ${seconds} s ${difference > 0 ? "ahead" : "behind"}`,
    hint: "Synchronize both clocks, or times of runs will be wrong by that much.",
  };
}

/** Whether somebody looks after the jobs; what waits does not move by itself. */
export function checkAgent(waiting: number, hasAgent: boolean): Check {
  const name = "slurm agent";
  if (hasAgent) return { name, state: "ok", message: "one is running" };
  if (waiting === 0) return { name, state: "ok", message: "none is running, and nothing waits for one" };
  return {
    name,
    state: "warning",
    message: `${waiting} runs are SLURM's, and nobody submits them or records how they end`,
    hint: "Start `aexp agent start`, or run `aexp slurm reconcile` now and then.",
  };
}

/** What a job found out about the folders that it needs, and about the clock of its node. */
export function checkNodes({ problem, host, clockDifferenceMs }: NodeProbe): readonly Check[] {
  const name = "slurm nodes";
  const hint = "Put the repository, Node.js and aexp on a file system that all nodes share.";
  const folders: Check =
    problem === undefined
      ? { name, state: "ok", message: "a job sees the run store and Node.js" }
      : { name, state: "bad", message: problem, hint };
  return host === undefined
    ? [folders]
    : [folders, checkClock("slurm node clock", `the clock of ${toSafeLine(host)}`, clockDifferenceMs)];
}
