import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { inject, onTestFinished } from "vitest";

import { isJsonObject } from "../../src/model/json.ts";
import type { QueueStore } from "../../src/queue/queue-store.ts";
import { openQueue } from "../../src/wiring/open-queue.ts";
import { openRepo } from "../../src/wiring/open-repo.ts";
import { runCli } from "../helpers/cli.ts";
import { makeClones } from "../helpers/clones.ts";
import { git } from "../helpers/git-repo.ts";
import { startWorker, type WorkerProcess, type WorkerProcessOptions } from "../helpers/worker-process.ts";

/** A clone with a home of its own, as another machine would have it. */
export class Machine {
  readonly name: string;
  readonly clone: string;
  readonly env: Readonly<Record<string, string>>;

  constructor(name: string, clone: string, place: string, url = inject("postgresUrl")) {
    this.name = name;
    this.clone = clone;
    const home = join(place, `home-${name}`);
    mkdirSync(home, { recursive: true });
    this.env = { HOME: home, AEXP_DATABASE_URL: url, AEXP_LEASE_S: "20" };
  }

  async aexp(...argv: readonly string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await runCli(this.clone, argv, { env: this.env });
    if (exitCode !== 0) throw new Error(`aexp ${argv.join(" ")} gave ${exitCode}: ${stderr}`);
    return stdout;
  }

  /** Queues runs of a line for the shell. */
  async add(sweep: string, line: string, ...flags: readonly string[]): Promise<void> {
    await this.aexp("queue", "add", "--experiment", "E001", "--sweep", sweep, ...flags, "--command", line);
  }

  /** The state of each run of the queue, by id. */
  async states(): Promise<ReadonlyMap<string, string>> {
    const listed: unknown = JSON.parse(await this.aexp("queue", "list", "--all", "--json"));
    if (!Array.isArray(listed)) throw new Error("the queue is no list");
    return new Map(
      listed.map((task: unknown) => (isJsonObject(task) ? [String(task["job_id"]), String(task["state"])] : ["", ""])),
    );
  }

  work(options: Partial<WorkerProcessOptions> = {}): WorkerProcess {
    const { env, ...rest } = options;
    return startWorker(this.clone, { id: `worker-${this.name}`, ...rest, env: { ...this.env, ...env } });
  }

  /** The queue itself; it is closed when the test ends. */
  async openQueue(url?: string): Promise<QueueStore> {
    const env = { ...process.env, ...this.env, ...(url !== undefined && { AEXP_DATABASE_URL: url }) };
    const store = await openQueue(openRepo({ folder: this.clone, cwd: this.clone, env, warn: () => {} }));
    onTestFinished(async () => await store[Symbol.asyncDispose]());
    return store;
  }
}

/** Two machines whose clones begin with the same commit. */
export async function makeMachines(
  urls: { readonly one?: string; readonly two?: string } = {},
): Promise<{ readonly one: Machine; readonly two: Machine; readonly place: string }> {
  const { place, clones } = await makeClones("one", "two");
  const [first = "", second = ""] = clones;
  // Every test has a history of its own, and so a queue.
  git(first, "commit", "--quiet", "--allow-empty", "--message", `Start in ${place}`);
  git(first, "push", "--quiet", "origin", "HEAD:main");
  git(second, "pull", "--quiet", "origin", "main");
  return { one: new Machine("one", first, place, urls.one), two: new Machine("two", second, place, urls.two), place };
}
