import type { PolicySections } from "../config/config.ts";
import type { Policy } from "../pipeline/policy.ts";
import { readPolicies } from "../pipeline/read-policies.ts";
import type { Repo } from "./repo.ts";

/** How messages call the file. */
const FILE = "aexp.yaml";

/** A worker asks several times for each short run. */
const FRESH_MS = 100;

/** The policies of a project, which cost little to ask for again and again. */
export class PolicyFile {
  readonly #repo: Pick<Repo, "openHooks" | "clock">;
  #known: { readonly written: PolicySections; readonly policies: readonly Policy[] } | undefined;
  #readMs = -Infinity;

  constructor(repo: Pick<Repo, "openHooks" | "clock">) {
    this.#repo = repo;
  }

  /** The policies as the file has them now, or had them a moment ago, in its order. @throws {AexpError} `config.invalid` */
  async read(): Promise<readonly Policy[]> {
    const nowMs = this.#repo.clock.monotonicMs();
    if (this.#known !== undefined && nowMs - this.#readMs < FRESH_MS) return this.#known.policies;
    const { policies: written } = await (await this.#repo.openHooks()).read();
    if (this.#known?.written !== written) {
      const policies = written.sections.length === 0 ? [] : await readPolicies(written.text, FILE);
      this.#known = { written, policies };
    }
    this.#readMs = nowMs;
    return this.#known.policies;
  }
}
