import { AexpError, messageOf } from "../../../model/errors.ts";
import type { ProcessRecord } from "../../../run/document.ts";
import type { AttemptEnd, AttemptOutput } from "../../executor.ts";
import { AttemptFolder } from "../attempt-folder.ts";
import { LocalAttempt } from "../local-attempt.ts";
import { identifyProcess } from "../process-identity.ts";
import { GIVEN_UP, launchThroughGate } from "./gate.ts";
import { isOrder, type Order, type Report } from "./messages.ts";

/** The end of a program that is over sooner says all that its start would have said. */
const TELL_START_AFTER_MS = 20;

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

  const attempts = new Map<number, Served>();
  process.on("message", (order: unknown) => {
    if (!isOrder(order)) throw new Error(`the worker sent what is no order: ${JSON.stringify(order)}`);
    const served = attempts.get(order.id);
    switch (order.kind) {
      case "start": {
        const { promise: mayBegin, resolve: decide } = Promise.withResolvers<boolean>();
        const attempt = start(order, self, mayBegin, () => attempts.delete(order.id));
        attempts.set(order.id, { attempt, decide });
        break;
      }
      case "begin":
        served?.decide(order.isAllowed);
        break;
      case "stop":
        served?.attempt?.end("SIGTERM", order.mode);
        break;
    }
  });
  // What the worker has not let begin by then, it never will.
  process.on("disconnect", () => {
    for (const { decide } of attempts.values()) decide(false);
  });
}

/** An attempt that is carried out. */
interface Served {
  /** `undefined` when not even its folder could be made. */
  readonly attempt: LocalAttempt | undefined;
  /** Says whether its command may begin. Asked again it changes nothing. */
  readonly decide: (mayBegin: boolean) => void;
}

/** Starts an attempt and tells the worker what becomes of it; `undefined` when not even its folder can be made. */
function start(
  { id, workspace, worker, spec }: Order & { readonly kind: "start" },
  supervisor: ProcessRecord,
  mayBegin: Promise<boolean>,
  onEnd: () => void,
): LocalAttempt | undefined {
  const tellEnd = (end: AttemptEnd, process?: ProcessRecord): void => {
    onEnd();
    report({ kind: "ended", id, end, process });
  };
  try {
    const folder = new AttemptFolder(workspace, spec.attempt);
    // Asked now, so that nothing of an attempt is touched that goes on without us.
    if (folder.isTaken()) throw new Error(GIVEN_UP);
    folder.make();
    const { graceMs } = spec;
    const isReady = Promise.withResolvers<boolean>();
    isReady.promise.catch(() => undefined); // nobody waits for it when there is no process
    const launch = launchThroughGate(folder, { supervisor, worker, graceMs }, isReady.promise);
    const attempt = new LocalAttempt(spec, folder, NO_OUTPUT, launch);
    // While the gate starts, which takes as long; and also when it could not.
    try {
      folder.describe(spec, Date.now());
      isReady.resolve(mayBegin);
    } catch (error) {
      isReady.reject(error);
    }
    void follow(id, attempt).then(({ end, process }) => tellEnd(end, process));
    return attempt;
  } catch (error) {
    // The caller is to know the attempt before it hears of its end.
    setImmediate(() => tellEnd(notStarted(messageOf(error))));
    return undefined;
  }
}

/** Tells that an attempt has started, unless it is over in a moment. @returns how it ended */
async function follow(
  id: number,
  { begun, ended }: LocalAttempt,
): Promise<{ readonly end: AttemptEnd; readonly process: ProcessRecord | undefined }> {
  const process = await begun;
  const tellStart = (): void => {
    if (process !== undefined) report({ kind: "started", id, process });
  };
  const timer = setTimeout(tellStart, TELL_START_AFTER_MS);
  const end = await ended;
  clearTimeout(timer);
  return { end, process };
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
