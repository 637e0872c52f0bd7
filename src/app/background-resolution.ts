import type { Repo } from "./repo.ts";
import type { Resilience } from "./resilience.ts";
import { resolveStages } from "./resolve-stages.ts";
import type { StagePorts } from "./stage-ports.ts";

/** Resolves stages beside other work: to hash what they read may take longer than a lease lasts. */
export class BackgroundResolution {
  readonly #resolve: () => Promise<number>;
  readonly #onResolved: () => void;
  readonly #stop = new AbortController();
  #current: Promise<void> | undefined;
  /** Stages may have become ready that the present look does not see any more. */
  #isAsked = false;

  /** @param onResolved - told when there may be something new to claim */
  constructor(repo: Repo, ports: StagePorts, resilience: Resilience, onResolved: () => void) {
    this.#resolve = () => resilience.survive(() => resolveStages(repo, ports, this.#stop.signal), 0);
    this.#onResolved = onResolved;
  }

  /** Begins to resolve what is ready; if that is under way, it is looked once more when it is over. */
  begin(): void {
    this.#isAsked = true;
    this.#current ??= this.#run();
  }

  /** Ends what is under way; nothing is lost by it. */
  async finish(): Promise<void> {
    this.#stop.abort();
    await this.#current;
  }

  async #run(): Promise<void> {
    do {
      this.#isAsked = false;
      if ((await this.#resolve()) > 0) this.#onResolved();
    } while (this.#isAsked && !this.#stop.signal.aborted);
    this.#current = undefined;
  }
}
