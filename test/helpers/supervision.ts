import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";

import type { AttemptEnd } from "../../src/executor/executor.ts";
import { AttemptFolder } from "../../src/executor/local/attempt-folder.ts";
import type { Supervision } from "../../src/executor/local/attempt-records.ts";
import { hasLiveMember, signalGroup } from "../../src/executor/local/process-identity.ts";
import { LocalSupervisor } from "../../src/executor/local/supervisor/local-supervisor.ts";
import type { SupervisedAttempt } from "../../src/executor/supervisor.ts";
import { jobIdOf, specOf, type TestSpec } from "./attempt-spec.ts";
import { startNode } from "./node-process.ts";
import { tempDir } from "./temp-dir.ts";
import { waitUntil } from "./wait-until.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** Leads to `serveAttempts`. */
export const SERVE = [process.execPath, join(ROOT, "src", "exec.ts"), "__exec"];

/** A place with attempts, and one supervisor of this process for them. */
export class TestSupervision {
  readonly folder: string;
  readonly supervisor: LocalSupervisor;

  constructor(folder = tempDir(), argv: readonly string[] = SERVE) {
    this.folder = folder;
    this.supervisor = new LocalSupervisor({
      workspaceOf: (jobId) => join(folder, jobId),
      workerId: "worker-1",
      command: { argv, env: process.env },
    });
    onTestFinished(async () => {
      // In the order of the tests' own clean-up, what still runs would outlive its folder.
      for (const pid of this.#groups) signalGroup(pid, "SIGKILL");
      await this.supervisor[Symbol.asyncDispose]();
    });
  }

  readonly #groups: number[] = [];

  async start(id: number, given: TestSpec = {}): Promise<SupervisedAttempt> {
    this.makeWorkspace(id);
    const attempt = await this.supervisor.start(specOf(id, given));
    if (attempt.process !== undefined) this.#groups.push(attempt.process.pgid);
    return attempt;
  }

  async run(id: number, given: TestSpec = {}): Promise<AttemptEnd> {
    return await (
      await this.start(id, given)
    ).ended;
  }

  /** Makes the folder of a run, as its registration does. */
  makeWorkspace(id: number): void {
    if (!existsSync(join(this.folder, jobIdOf(id)))) mkdirSync(join(this.folder, jobIdOf(id)));
  }

  path(id: number, name: string): string {
    return join(this.folder, jobIdOf(id), name);
  }

  /** A text that a program wrote to its run's folder; `undefined` as long as there is none. */
  text(id: number, name: string): string | undefined {
    const path = this.path(id, name);
    return existsSync(path) ? readFileSync(path, "utf8") || undefined : undefined;
  }

  log(id: number, stream: "stdout" | "stderr" = "stdout"): string {
    return readFileSync(this.path(id, `.aexp/attempt-1/${stream}.log`), "utf8");
  }

  attemptFolder(id: number): AttemptFolder {
    return new AttemptFolder(join(this.folder, jobIdOf(id)), 1);
  }

  /** Who looks after an attempt, once that is written. */
  async supervision(id: number): Promise<Supervision> {
    return await waitUntil("the record of the program", () => this.attemptFolder(id).readSupervision());
  }

  async pidOf(id: number, name: string): Promise<number> {
    return Number(
      await waitUntil(`the process id in ${name}`, () => this.text(id, name)?.includes("\n") && this.text(id, name)),
    );
  }
}

/** A worker in a process of its own, which starts these lines, each as the run of its place, and then waits. */
export function startWorker(folder: string, lines: readonly string[], firstId = 0) {
  for (const index of lines.keys()) mkdirSync(join(folder, jobIdOf(firstId + index)));
  const worker = startNode("supervise.ts", [folder, SERVE.join("\n"), String(firstId), ...lines]);
  return {
    ...worker,
    /** Kills the worker alone, at once. */
    async kill(): Promise<void> {
      worker.child.kill("SIGKILL");
      await worker.ended;
    },
    /** The worker's own words about an attempt. */
    async untilStarted(): Promise<void> {
      await waitUntil("the worker's attempts to start", () => worker.printed().split("started").length > lines.length);
    },
  };
}

/** Waits until nothing of a process group is left. */
export async function untilGroupGone(pgid: number): Promise<void> {
  await waitUntil(`the end of group ${pgid}`, () => !hasLiveMember(pgid));
}
