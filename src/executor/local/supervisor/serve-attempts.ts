import { AexpError, messageOf } from "../../../model/errors.ts";
import type { ProcessRecord } from "../../../run/document.ts";
import type { AttemptEnd, AttemptOutput } from "../../executor.ts";
import { AttemptFolder } from "../attempt-folder.ts";
import { LocalAttempt } from "../local-attempt.ts";
import { identifyProcess } from "../process-identity.ts";
import { GIVEN_UP, launchThroughGate } from "./gate.ts";
import { isOrder, type Order, type Report } from "./messages.ts";

/** Nobody watches; the logs are all there is. */
const NO_OUTPUT: AttemptOutput = { stdout: () => undefined, stderr: () => undefined };

/**
 * Carries out what the worker that started this process orders. When the worker is gone nothing keeps this process but
 * the programs that still run, so it ends with the last of them.
 *
 * @throws {AexpError} `cli.usage` when no worker started this process
 */
export function serveAttempts(): void {
  if (process.send === undefined) {
    throw new AexpError("`aexp __exec` has nothing to do: no worker started it", {
      code: "cli.usage",
      hint: "`aexp worker start` starts it where it is needed.",
    });
  }
  // Whoever ends a whole session means the programs, and their ends are still to be recorded.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  process.on("uncaughtException", (error) => {
    report({ kind: "failed", problem: messageOf(error) }, () => process.exit(70));
  });
  const self = identifyProcess(process.pid, process.pid);
  if (self === undefined) throw new Error("this process cannot find itself");

  const attempts = new Map<number, Promise<LocalAttempt | undefined>>();
  process.on("message", (order: unknown) => {
    if (!isOrder(order)) throw new Error(`the worker sent what is no order: ${JSON.stringify(order)}`);
    if (order.kind === "stop") {
      void attempts.get(order.id)?.then((attempt) => attempt?.end("SIGTERM", order.mode));
      return;
    }
    attempts.set(
      order.id,
      start(order, self, () => attempts.delete(order.id)),
    );
  });
}

/** Starts an attempt and tells the worker what becomes of it; `undefined` when not even its folder can be made. */
async function start(
  { id, workspace, worker, spec }: Order & { readonly kind: "start" },
  supervisor: ProcessRecord,
  onEnd: () => void,
): Promise<LocalAttempt | undefined> {
  const tellEnd = (end: AttemptEnd): void => {
    onEnd();
    report({ kind: "ended", id, end });
  };
  try {
    const folder = new AttemptFolder(workspace, spec.attempt);
    // Asked now, so that nothing of an attempt is touched that goes on without us.
    if (folder.isTaken()) throw new Error(GIVEN_UP);
    await folder.prepare(spec, Date.now());
    const launch = launchThroughGate(folder, { supervisor, worker, graceMs: spec.graceMs });
    const attempt = new LocalAttempt(spec, folder, NO_OUTPUT, launch);
    if (attempt.process !== undefined) report({ kind: "started", id, process: attempt.process });
    void attempt.ended.then(tellEnd);
    return attempt;
  } catch (error) {
    // The caller still holds the promise that this function returns, and must have put it away first.
    setImmediate(() => tellEnd(notStarted(messageOf(error))));
    return undefined;
  }
}

function notStarted(problem: string): AttemptEnd {
  const cause = { kind: "not_started", problem } as const;
  return { cause, exitCode: null, signal: null, endedAtMs: Date.now(), wallclockS: 0, stderrTail: "" };
}

/** Says something to the worker, who may be gone: then the attempt's folder says it. */
function report(message: Report, onSent: () => void = () => undefined): void {
  if (process.connected) process.send?.(message, onSent);
  else onSent();
}
