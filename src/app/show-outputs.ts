import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";
import type { OutputStore } from "../output/output-store.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { Task, TaskState } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import { type KnownOutput, readKnownOutputs } from "./known-outputs.ts";
import { rowOf } from "./list-runs.ts";
import { lookAtOutput, type OutputNow } from "./look-at-output.ts";
import { type AliasedPlaces, isSamePlace, readAliasedPlaces, readsOf } from "./output-places.ts";
import type { Repo } from "./repo.ts";
import type { RunReferred } from "./run-reference.ts";

/** What outputs are looked at with. */
export interface OutputPorts {
  readonly store: Pick<QueueStore, "aliases" | "noteOutputs" | "outputs" | "tasks">;
  readonly outputs: OutputStore;
}

/** A run that reads an output, or is going to. */
export interface OutputReader {
  readonly run: JobId;
  /** The stage, with its element. */
  readonly name: string;
  readonly state: TaskState;
}

/** Everything that this machine can say about one output. */
export interface ShownOutput extends KnownOutput {
  readonly now: OutputNow;
  readonly itemsNow: readonly OutputNow[];
  readonly readers: readonly OutputReader[];
  /** Aliases in force that mean it. */
  readonly aliases: readonly string[];
}

/** The outputs of a run. */
export interface ShownOutputs {
  readonly run: JobId;
  readonly status: string | undefined;
  readonly outputs: readonly ShownOutput[];
}

/**
 * Gathers what is known of the outputs of a run, or of one of them. Those that are here are looked at; none is read.
 *
 * @throws {AexpError} `run.not_found`, `run.corrupt`, `output.not_found`
 */
export async function showOutputs(
  repo: Repo,
  ports: OutputPorts,
  { run, output: wanted }: RunReferred,
): Promise<ShownOutputs> {
  const known = await readKnownOutputs(repo, ports, run);
  checkOutputName(run, known, wanted);
  const tasks = await ports.store.tasks({});
  const aliases = await readAliasedPlaces(repo, ports);
  const shown: ShownOutput[] = [];
  for (const output of known) {
    if (wanted !== undefined && output.name !== wanted) continue;
    shown.push({
      ...output,
      ...(await lookAtOutput(repo, ports.outputs, output)),
      readers: tasks.flatMap((task) => (isReadBy(task, run, output) ? [toReader(task)] : [])),
      aliases: aliases.filter((aliased) => isMeantBy(aliased, run, output)).map(({ alias }) => alias),
    });
  }
  return { run, status: rowOf(repo, run).row.status, outputs: shown };
}

/** @throws {AexpError} `output.not_found` when a run has no output of the name that somebody wants */
export function checkOutputName(
  run: JobId,
  outputs: readonly { readonly name: string }[],
  wanted: string | undefined,
): void {
  const names = outputs.map(({ name }) => name);
  if (wanted === undefined || names.includes(wanted)) return;
  const guess = didYouMean(wanted, names);
  throw new AexpError(`run ${run.slice(0, 8)} has no output ${JSON.stringify(wanted)}.${guess}`, {
    code: "output.not_found",
    hint: names.length === 0 ? "It has none at all." : `It has ${names.join(", ")}.`,
  });
}

function isReadBy(task: Task, run: JobId, { name, located }: KnownOutput): boolean {
  const { places, outputs } = readsOf(task);
  return (
    (located !== undefined && places.some((place) => isSamePlace(place, located))) ||
    outputs.some((read) => read.run === run && read.output === name)
  );
}

function toReader({ id, state, spec }: Task): OutputReader {
  return { run: id, name: spec.name ?? spec.stage?.stage ?? "", state };
}

/** An alias of another run means it as well, when that run has it from the same place. */
function isMeantBy(
  { run: target, output, places }: AliasedPlaces,
  run: JobId,
  { name, located }: KnownOutput,
): boolean {
  if (target === run) return (output ?? name) === name;
  return located !== undefined && places.some((place) => isSamePlace(place, located));
}
