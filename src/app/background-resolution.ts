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

  /** @param onResolved - told when there may be something new to claim */
  constructor(repo: Repo, ports: StagePorts, resilience: Resilience, onResolved: () => void) {
    this.#resolve = () => resilience.survive(() => resolveStages(repo, ports, this.#stop.signal), 0);
    this.#onResolved = onResolved;
  }

  /** Begins to resolve what is ready, unless that is under way. */
  begin(): void {
    this.#current ??= this.#run().finally(() => {
      this.#current = undefined;
    });
  }

  /** Ends what is under way; nothing is lost by it. */
  async finish(): Promise<void> {
    this.#stop.abort();
    await this.#current;
  }

  async #run(): Promise<void> {
    if ((await this.#resolve()) > 0) this.#onResolved();
  }
}
