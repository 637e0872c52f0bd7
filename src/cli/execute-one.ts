import { readLog } from "../app/read-log.ts";
import type { WorkPorts } from "../app/execute-task.ts";
import type { Repo } from "../app/repo.ts";
import { runOne, type RunOneOutcome, type SessionOptions } from "../app/run-pending.ts";
import type { WorkEvent } from "../app/work-events.ts";
import { AexpError } from "../model/errors.ts";
import { toRunStatus } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import type { BaseCommand } from "./base-command.ts";
import { EXIT } from "./exit-codes.ts";
import { Relay } from "./io.ts";
import { renderWorkEvent } from "./render/work-event.ts";
import { withWorkSignals } from "./work-session.ts";

/** What came of one run, as `--json` prints it. */
export interface RunOneJson {
  readonly job_id: string;
  readonly status: string;
  readonly attempt: number;
  readonly reason?: { readonly code: string; readonly message: string };
  readonly exit_code?: number;
  /** Nothing was executed, because it had ended before. */
  readonly had_ended: boolean;
}

/** The run that a command executes. */
export interface OneRun {
  readonly repo: Repo;
  readonly ports: WorkPorts;
  readonly id: JobId;
  readonly session: SessionOptions;
  readonly isForced: boolean;
}

/**
 * Executes one run of the queue for a command: shows what it prints while it runs, obeys signals, and passes its exit
 * code on. Ctrl-C stops the run; any other signal, such as a scheduler sends at the end of a job's time, gives it back
 * to the queue.
 */
export async function executeOne(
  command: BaseCommand,
  { repo, ports, id, session, isForced }: OneRun,
): Promise<RunOneJson> {
  const following: Promise<void>[] = [];
  const observe = (event: WorkEvent): void => {
    if (event.kind === "started") {
      following.push(follow(command, repo, id, "stdout"), follow(command, repo, id, "stderr"));
    } else command.io.stderr.write(`${renderWorkEvent(event)}\n`);
  };
  let isInterrupted = false;
  const outcome = await withWorkSignals<RunOneOutcome>(
    async (onStart) => runOne(repo, ports, id, { ...session, observe, onStart, isForced }),
    (control, signal, times) => {
      isInterrupted = true;
      if (signal !== "SIGINT" || times > 1) control.stopNow();
      else void ports.store.requestStop([id], "graceful", { code: "operator_stop", message: "Ctrl-C" });
    },
  );
  await Promise.all(following);
  return report(command, id, outcome, isInterrupted);
}

function report(command: BaseCommand, id: JobId, outcome: RunOneOutcome, isInterrupted: boolean): RunOneJson {
  switch (outcome.kind) {
    case "ended_before": {
      const { state, attempt } = outcome.task;
      const status = toRunStatus(state);
      command.io.stderr.write(`run ${id} is ${status} already; nothing was executed (--force executes it again)\n`);
      return { job_id: id, status, attempt, had_ended: true };
    }
    case "executed": {
      const { attempt, state, reason, exitCode } = outcome.end;
      command.exitCode = state === "complete" ? EXIT.ok : exitCode || EXIT.failed;
      return {
        job_id: id,
        status: toRunStatus(state),
        attempt: attempt.task.attempt,
        ...(reason === undefined ? {} : { reason: { code: reason.code, message: reason.message } }),
        exit_code: exitCode,
        had_ended: false,
      };
    }
    case "unfinished": {
      if (isInterrupted) command.exitCode = EXIT.interrupted;
      else command.exitCode = EXIT.busy;
      return { job_id: id, status: "queued", attempt: 0, had_ended: false };
    }
  }
}

/** Shows a log as it grows. Under `--json` nothing but the result goes to stdout. */
async function follow(command: BaseCommand, repo: Repo, id: JobId, stream: "stdout" | "stderr"): Promise<void> {
  using relay = new Relay(stream === "stderr" || command.jsonEnabled() ? command.io.stderr : command.io.stdout);
  try {
    for await (const bytes of readLog(repo, id, { stream, isFollowed: true })) await relay.write(bytes);
  } catch (error) {
    // A program that could not be started has no log.
    if (!(error instanceof AexpError && error.code === "run.no_log")) throw error;
  }
}
