import { PolicyFiring } from "./policy-firing.ts";
import type { Repo } from "./repo.ts";
import type { Resilience } from "./resilience.ts";
import { resolveStages } from "./resolve-stages.ts";
import type { ServedTasks } from "./served-tasks.ts";
import type { StagePorts } from "./stage-ports.ts";

/** For whom it is done, and who is told. */
export interface ResolutionOptions {
  /** The operating system's user. */
  readonly owner: string;
  /** Policies are only fired for outputs of these tasks, which are told of it; of all, when absent. */
  readonly served?: Pick<ServedTasks, "has" | "followUp">;
  /** Told when there may be something new to claim. */
  readonly onResolved: () => void;
}

/**
 * Lets policies submit runs, and resolves stages, beside other work: to hash what they read may take longer than a lease
 * lasts.
 */
export class BackgroundResolution {
  readonly #resolve: () => Promise<number>;
  readonly #fireOnce: () => Promise<number>;
  readonly #onResolved: () => void;
  readonly #stop = new AbortController();
  #current: Promise<void> | undefined;
  #firing: Promise<number> = Promise.resolve(0);
  /** Stages may have become ready that the present look does not see any more. */
  #isAsked = false;

  constructor(repo: Repo, ports: StagePorts, resilience: Resilience, options: ResolutionOptions) {
    const { owner, served, onResolved } = options;
    const firing = new PolicyFiring(repo, ports, {
      owner,
      isSource: (run) => served?.has(run) ?? true,
      tell: (problem) => resilience.tell(problem),
    });
    this.#resolve = () => resilience.survive(() => resolveStages(repo, ports, this.#stop.signal), 0);
    this.#fireOnce = async () => {
      const fired = await resilience.survive(() => firing.fire(), []);
      served?.followUp(fired);
      return fired.length;
    };
    this.#onResolved = onResolved;
  }

  /** Begins to look at what there is; if that is under way, it is looked once more when it is over. */
  begin(): void {
    this.#isAsked = true;
    this.#current ??= this.#run();
  }

  /** Lets policies submit what they want for all that is there now. @returns whether that was anything */
  async findMore(): Promise<boolean> {
    return (await this.#fire()) > 0;
  }

  /** Ends what is under way; nothing is lost by it. */
  async finish(): Promise<void> {
    this.#stop.abort();
    await this.#current;
  }

  /** One after the other, so that none takes what another one is about to submit. */
  async #fire(): Promise<number> {
    this.#firing = this.#firing.then(() => this.#fireOnce());
    return await this.#firing;
  }

  async #run(): Promise<void> {
    do {
      this.#isAsked = false;
      const fired = await this.#fire();
      if (fired + (await this.#resolve()) > 0) this.#onResolved();
    } while (this.#isAsked && !this.#stop.signal.aborted);
    this.#current = undefined;
  }
}
