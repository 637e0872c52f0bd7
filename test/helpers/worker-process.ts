import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { onTestFinished } from "vitest";

import { isRunning } from "./aexp-process.ts";
import { waitUntil } from "./wait-until.ts";

const PROGRAM = join(import.meta.dirname, "..", "fixtures", "programs", "work-queue.ts");

/** How a worker is started. */
export interface WorkerProcessOptions {
  readonly id: string;
  readonly pools?: string;
  /** Whether it ends when nothing is left; else it stays until it is told to end. */
  readonly isUntilEmpty?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** A line that a worker printed. */
export interface Told {
  readonly kind: string;
  readonly [key: string]: unknown;
}

/** A worker in a process of its own. */
export interface WorkerProcess {
  readonly id: string;
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it told so far. */
  told(kind?: string): readonly Told[];
  /** What it printed on stderr. */
  readonly printed: { stderr: string };
  readonly ended: Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** Starts a worker of the project at `root`; it is killed when the test ends. Leases are short unless `env` says more. */
export function startWorker(root: string, options: WorkerProcessOptions): WorkerProcess {
  const { id, pools = "*=2", isUntilEmpty = true, env } = options;
  const argv = [PROGRAM, root, id, pools, isUntilEmpty ? "until-empty" : "for-ever"];
  const child = spawn(process.execPath, argv, {
    cwd: root,
    env: { ...process.env, AEXP_LEASE_S: "2", AEXP_POLL_S: "0.02", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let text = "";
  const printed = { stderr: "" };
  child.stdout.on("data", (bytes: Buffer) => (text += bytes.toString("utf8")));
  child.stderr.on("data", (bytes: Buffer) => (printed.stderr += bytes.toString("utf8")));
  if (child.pid === undefined) throw new Error("the worker did not start");
  const ended = once(child, "close").then(() => ({ exitCode: child.exitCode, signal: child.signalCode }));
  const told = (kind?: string): readonly Told[] => {
    const lines = text.split("\n").slice(0, -1);
    return lines.map((line) => toTold(line)).filter((event) => kind === undefined || event.kind === kind);
  };
  return { id, child, pid: child.pid, told, printed, ended };
}

function toTold(line: string): Told {
  const value: Told = JSON.parse(line);
  return value;
}

/** Waits until a worker has told something of a kind. */
export async function untilTold(worker: WorkerProcess, kind: string, count = 1): Promise<readonly Told[]> {
  try {
    return await waitUntil(`${kind} from ${worker.id}`, () => {
      const told = worker.told(kind);
      return told.length >= count && told;
    });
  } catch (error) {
    throw new Error(`${worker.id} told ${JSON.stringify(worker.told())} ${worker.printed.stderr}`, { cause: error });
  }
}

/** Stops a worker where it keeps nobody else from writing the database. */
export async function holdStill(root: string, worker: WorkerProcess): Promise<void> {
  await untilTold(worker, "started");
  using db = new DatabaseSync(databaseOf(root), { timeout: 0 });
  await waitUntil("a moment outside of a transaction", () => {
    worker.child.kill("SIGSTOP");
    try {
      db.exec("BEGIN IMMEDIATE; ROLLBACK");
      return true;
    } catch {
      worker.child.kill("SIGCONT");
      return false;
    }
  });
}

export function databaseOf(root: string): string {
  return join(root, ".aexp", "state", "aexp.db");
}

/** Kills a worker as nothing can be survived, and waits until it is gone. */
export async function killWorker(worker: WorkerProcess): Promise<void> {
  worker.child.kill("SIGKILL");
  await worker.ended;
}

/** The supervisors that a worker has started and that live. */
export function supervisorsOf(workerPid: number): readonly number[] {
  return processes().flatMap(({ pid, parent, args }) =>
    parent === workerPid && args.endsWith(" __exec") && isRunning(pid) ? [pid] : [],
  );
}

/** All processes of this machine. */
export function processes(): readonly { readonly pid: number; readonly parent: number; readonly args: string }[] {
  const lines = execFileSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" }).trim().split("\n");
  return lines.map((line) => {
    const [, pid = "", parent = "", args = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return { pid: Number(pid), parent: Number(parent), args };
  });
}

/**
 * The living processes in whose environment or arguments a text occurs. A worker's environment goes to everything that
 * it starts, so a variable of one test finds all that the test has left. Only Linux shows environments.
 */
export function processesWith(text: string): readonly number[] {
  const byArguments = processes().flatMap(({ pid, args }) => (args.includes(text) ? [pid] : []));
  const byEnvironment =
    process.platform === "linux"
      ? readdirSync("/proc").flatMap((name) =>
          /^\d+$/.test(name) && readEnvironment(name).includes(text) ? [Number(name)] : [],
        )
      : [];
  return [...new Set([...byArguments, ...byEnvironment])].filter((pid) => pid !== process.pid && isRunning(pid));
}

function readEnvironment(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return ""; // gone, or somebody else's
  }
}
