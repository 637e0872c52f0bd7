import { AexpError } from "../model/errors.ts";
import type { OutputDeclaration } from "../output/declaration.ts";
import { readStageWork } from "../pipeline/stage-work.ts";
import type { NewOutput } from "../queue/run-output.ts";
import type { Task } from "../queue/task.ts";
import { toNewOutputs } from "./complete-result.ts";
import { pause } from "./pause.ts";
import type { Repo } from "./repo.ts";
import type { Resilience } from "./resilience.ts";
import type { StagePorts } from "./stage-ports.ts";

/** What an attempt has written to its streams is looked at so often. */
const LOOK_MS = 2000;
/** Of the time, at most a fifth is spent looking: a stream of many large items is looked at less often. */
const REST_PER_LOOK = 4;

type StreamPorts = Pick<StagePorts, "store" | "outputs">;

/** An attempt that is under way. */
interface Watched {
  readonly task: Task;
  /** Its lease token. */
  readonly token: string;
  readonly streams: readonly OutputDeclaration[];
}

/** Registers the items of an attempt's streams while it runs, so that others may use them before it has ended. */
export class StreamWatch {
  readonly #repo: Repo;
  readonly #ports: StreamPorts;
  readonly #resilience: Resilience;
  readonly #attempt: Watched;
  readonly #stop = new AbortController();
  /** What was registered of each item. */
  readonly #known = new Map<string, string>();
  readonly #watching: Promise<void>;

  private constructor(repo: Repo, ports: StreamPorts, resilience: Resilience, attempt: Watched) {
    this.#repo = repo;
    this.#ports = ports;
    this.#resilience = resilience;
    this.#attempt = attempt;
    this.#watching = this.#watch();
  }

  /** Begins to watch an attempt; `undefined` when it declares no stream. */
  static of(
    repo: Repo,
    ports: StreamPorts,
    resilience: Resilience,
    attempt: Pick<Watched, "task" | "token">,
  ): StreamWatch | undefined {
    const streams = streamsOf(attempt.task);
    return streams.length === 0 ? undefined : new StreamWatch(repo, ports, resilience, { ...attempt, streams });
  }

  /** Ends it. What came since the last look is registered with all the rest when the attempt's end is written. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    const { clock } = this.#repo;
    let restMs = LOOK_MS;
    for (;;) {
      await pause(restMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      const before = clock.monotonicMs();
      const isOurs = await this.#resilience.survive(() => this.#look(), true);
      if (!isOurs) return;
      restMs = Math.max(LOOK_MS, REST_PER_LOOK * (clock.monotonicMs() - before));
    }
  }

  /** @returns whether the attempt is still this worker's */
  async #look(): Promise<boolean> {
    const { task, token, streams } = this.#attempt;
    const fresh: NewOutput[] = [];
    try {
      const folder = this.#repo.runs.workspaceOf(task.id);
      const { signal } = this.#stop;
      const records = await this.#ports.outputs.recordItems(folder, task.attempt, streams, { signal });
      fresh.push(...records.flatMap(toNewOutputs).filter((output) => output.item !== "" && this.#isNews(output)));
    } catch (error) {
      if (this.#stop.signal.aborted) return false;
      throw error;
    }
    if (fresh.length === 0) return true;
    if (!(await this.#ports.store.addItems(task.id, token, fresh))) return false;
    for (const output of fresh) this.#known.set(keyOf(output), identityOf(output));
    return true;
  }

  #isNews(output: NewOutput): boolean {
    return this.#known.get(keyOf(output)) !== identityOf(output);
  }
}

/** The streams that a run declares; none, when its spec cannot be read. */
export function streamsOf({ spec: { stage } }: Pick<Task, "spec">): readonly OutputDeclaration[] {
  try {
    return stage === undefined ? [] : readStageWork(stage).outputs.filter(({ stream }) => stream);
  } catch (error) {
    // Whoever writes down its end says so.
    if (error instanceof AexpError) return [];
    throw error;
  }
}

function keyOf({ name, item }: NewOutput): string {
  return JSON.stringify([name, item]);
}

function identityOf({ digest, stats }: NewOutput): string {
  return `${digest} ${stats}`;
}
