import type { Repo } from "../app/repo.ts";
import type { Exact } from "../model/exact-json.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { Task } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import { chosenParameters, varyingKeys } from "../run/parameters.ts";
import { renderValue } from "./render/value.ts";

type Parameters = ReadonlyMap<string, Exact>;

/** So many runs of an experiment tell which of its parameters vary. */
const MAX_SAMPLES = 50;
const MAX_SUBJECTS = 100;
/** As many as run at a time on a large machine. */
const MAX_READ = 500;

interface Subject {
  readonly samples: Map<JobId, Parameters>;
  keys: readonly string[];
}

/** Names runs by what tells them apart from others of their experiment: `lr=0.1 seed=2`. */
export class ParameterLabels {
  readonly #repo: Pick<Repo, "runs">;
  readonly #store: Pick<QueueStore, "tasks">;
  readonly #known = new Map<JobId, Parameters>();
  readonly #subjects = new Map<string, Subject>();

  constructor(repo: Pick<Repo, "runs">, store: Pick<QueueStore, "tasks">) {
    this.#repo = repo;
    this.#store = store;
  }

  /** The label as far as it is known now; it may get better as more runs are seen. */
  labelOf(task: Task): string {
    const parameters = this.#read(task.id);
    if (parameters === undefined) return "";
    const subject = this.#subjectOf(task);
    const { samples } = subject;
    if (samples.size < MAX_SAMPLES && !samples.has(task.id)) this.#learn(task, [[task.id, parameters]]);
    const shown = samples.size > 1 ? subject.keys : [...parameters.keys()];
    return shown
      .flatMap((key) => (parameters.has(key) ? [`${key}=${renderValue(parameters.get(key))}`] : []))
      .join(" ");
  }

  #subjectOf(task: Task): Subject {
    const name = task.experimentId ?? task.groupId;
    const known = this.#subjects.get(name);
    if (known !== undefined) return known;
    if (this.#subjects.size >= MAX_SUBJECTS) this.#subjects.clear();
    const subject = { samples: new Map<JobId, Parameters>(), keys: [] };
    this.#subjects.set(name, subject);
    // The first run of a sweep tells nothing of what varies; those that wait do.
    void this.#store
      .tasks({ groupId: task.groupId, limit: MAX_SAMPLES })
      .then((tasks) =>
        this.#learn(
          task,
          tasks.flatMap(({ id }) => this.#sample(id)),
        ),
      )
      .catch(() => undefined); // the label stays as it is
    return subject;
  }

  #sample(id: JobId): readonly (readonly [JobId, Parameters])[] {
    const parameters = this.#read(id);
    return parameters === undefined ? [] : [[id, parameters]];
  }

  #learn(task: Task, samples: readonly (readonly [JobId, Parameters])[]): void {
    const subject = this.#subjectOf(task);
    for (const [id, parameters] of samples) subject.samples.set(id, parameters);
    subject.keys = varyingKeys([...subject.samples.values()]);
  }

  #read(id: JobId): Parameters | undefined {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    if (this.#known.size >= MAX_READ) this.#known.clear();
    try {
      const parameters = chosenParameters(this.#repo.runs.read(id).statePoint);
      this.#known.set(id, parameters);
      return parameters;
    } catch {
      return undefined; // a run that cannot be read is shown without its parameters
    }
  }
}
