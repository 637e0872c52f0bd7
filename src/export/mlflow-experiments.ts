/** An experiment of mlflow: a folder whose name is its id, a number. */
export interface MlflowExperiment {
  readonly id: string;
  readonly name: string;
}

/** Experiments that are not named as ours are counted from here. mlflow's databases hold ids below 2^31. */
const FIRST_OTHER = 1_000_000_000;
/** The longest name that mlflow takes, in characters. */
const MAX_NAME = 500;

/** Gives ids to experiments: `E012` is 12, runs without one are in mlflow's own experiment 0. */
export class MlflowExperiments {
  readonly #byName = new Map<string, MlflowExperiment>();
  readonly #ids = new Set<string>();
  #nextOther = FIRST_OTHER;

  /** @param name id of the experiment as the run has it */
  of(name: string | undefined): { readonly experiment: MlflowExperiment; readonly isNew: boolean } {
    const key = name ?? "";
    const known = this.#byName.get(key);
    if (known !== undefined) return { experiment: known, isNew: false };
    const experiment = name === undefined ? { id: "0", name: "Default" } : { id: this.#idOf(name), name: toName(name) };
    this.#byName.set(key, experiment);
    this.#ids.add(experiment.id);
    return { experiment, isNew: true };
  }

  #idOf(name: string): string {
    const number = Number(/^E(\d{1,9})$/.exec(name)?.[1] ?? 0);
    if (number > 0 && !this.#ids.has(String(number))) return String(number);
    const id = String(this.#nextOther);
    this.#nextOther += 1;
    return id;
  }
}

/** Line breaks and other control characters have no place in a name. */
function toName(name: string): string {
  const clean = name.replaceAll(/\p{Cc}+/gu, " ").trim();
  return clean === "" ? "(no name)" : clean.slice(0, MAX_NAME).toWellFormed();
}
