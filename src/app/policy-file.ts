import type { PolicySections } from "../config/config.ts";
import type { Policy } from "../pipeline/policy.ts";
import { readPolicies } from "../pipeline/read-policies.ts";
import type { Repo } from "./repo.ts";

/** How messages call the file. */
const FILE = "aexp.yaml";

/** The policies of a project, which cost little to ask for again and again. */
export class PolicyFile {
  readonly #repo: Pick<Repo, "openHooks">;
  #known: { readonly written: PolicySections; readonly policies: readonly Policy[] } | undefined;

  constructor(repo: Pick<Repo, "openHooks">) {
    this.#repo = repo;
  }

  /** The policies as the file has them now, in its order. @throws {AexpError} `config.invalid` */
  async read(): Promise<readonly Policy[]> {
    const { policies: written } = await (await this.#repo.openHooks()).read();
    if (written.sections.length === 0) return [];
    if (this.#known?.written !== written) {
      this.#known = { written, policies: await readPolicies(written.text, FILE) };
    }
    return this.#known.policies;
  }
}
