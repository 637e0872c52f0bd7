import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { applyMark } from "../../src/app/apply-mark.ts";
import { deliverMarks } from "../../src/app/deliver-outbox.ts";
import type { Repo } from "../../src/app/repo.ts";
import type { QueueStore } from "../../src/queue/queue-store.ts";
import { isTerminalState, toRunStatus } from "../../src/queue/task.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { isTerminal } from "../../src/run/run-status.ts";
import { makeQueueProject, type QueueProject } from "../helpers/queue-project.ts";

const STOP = { code: "operator_stop", message: "enough" } as const;

/** What may happen to a run, as far as its state allows it. */
type Step = "start" | "succeed" | "fail" | "release" | "stop" | "retry" | "deliver" | "deliver again";
const STEPS: readonly Step[] = ["start", "succeed", "fail", "release", "stop", "retry", "deliver", "deliver again"];

class Story {
  readonly #repo: Repo;
  readonly #store: QueueStore;
  readonly #id: JobId;
  #token = "none";
  #claims = 0;

  constructor({ repo, ports }: QueueProject, id: JobId) {
    this.#repo = repo;
    this.#store = ports.store;
    this.#id = id;
  }

  async take(step: Step): Promise<void> {
    const failed = { state: "failed", reason: { code: "exit_nonzero", message: "exit 1" }, exitCode: 1 } as const;
    const store = this.#store;
    if (step === "start") await this.#start();
    else if (step === "succeed") {
      await store.finish(this.#id, this.#token, { state: "complete", reason: undefined, exitCode: 0 }, 0);
    } else if (step === "fail") await store.finish(this.#id, this.#token, failed, 0);
    else if (step === "release") await store.release(this.#id, this.#token);
    else if (step === "stop") await store.requestStop([this.#id], "graceful", STOP);
    else if (step === "retry") await store.retry([this.#id]);
    else if (step === "deliver") await deliverMarks(this.#repo, store);
    else await applyMark(this.#repo, store, this.#id);
  }

  async #start(): Promise<void> {
    const task = await this.#store.task(this.#id);
    const token = `${this.#id}-${(this.#claims += 1)}`;
    const claim = await this.#store.claim({
      workerId: "w",
      owner: task?.owner ?? "",
      machine: task?.machine ?? "",
      executors: ["local"],
      filter: { mode: "any" },
      leaseMs: 60_000,
      token,
      ids: [this.#id],
    });
    if (claim === undefined) return;
    this.#token = token;
    const start = { proc: { pid: 1, pgid: 1, host: "box" }, codeDifference: undefined };
    await applyMark(this.#repo, this.#store, this.#id, { start });
  }
}

async function expectAgreement({ repo, ports }: QueueProject, id: JobId): Promise<void> {
  const task = await ports.store.task(id);
  if (task === undefined) throw new Error("the task is gone");
  const { facts } = repo.runs.read(id).document;
  const ended = (await ports.store.attempts(id)).filter(({ outcome }) => outcome !== undefined);
  expect(facts.status).toBe(toRunStatus(task.state));
  expect(facts.attempt ?? 0).toBe(task.attempt);
  expect((facts.attempts ?? []).map(({ n }) => n)).toEqual(ended.map(({ n }) => n));
  expect(facts.ended_at === undefined).toBe(!isTerminalState(task.state));
  expect(facts.reason?.code).toBe(task.reason?.code);
  expect(facts.queue?.proc === undefined).toBe(facts.status !== "running");
  const entry = repo.ledger.read(id);
  const promoted = entry?.kind === "entry" ? entry.record.entry.status : undefined;
  expect(isTerminal(facts.status ?? "created") ? promoted : undefined).toBe(
    isTerminal(facts.status ?? "created") ? facts.status : undefined,
  );
}

describe("marks", () => {
  it("leave document and ledger as the queue has it, whenever and however often they are delivered", async () => {
    const project = await makeQueueProject();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...STEPS), { maxLength: 14 }), async (steps) => {
        const [id] = await project.add("--sp", `n=${(runs += 1)}`, "--retries", "1", "--command", "true");
        if (id === undefined) throw new Error("nothing was queued");
        const story = new Story(project, id);
        for (const step of steps) await story.take(step);
        await deliverMarks(project.repo, project.ports.store);

        await expectAgreement(project, id);
        // What is left of this run must not be claimed by the next.
        await project.ports.store.requestStop([id], "graceful", STOP);
        await story.take("fail");
      }),
      { numRuns: 60 },
    );
  });
});
