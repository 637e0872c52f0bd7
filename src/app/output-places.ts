import { AexpError } from "../model/errors.ts";
import { type InputSource, readStageWork } from "../pipeline/stage-work.ts";
import { parseInputRecords, type ResolvedPart } from "../pipeline/resolved-inputs.ts";
import type { RunOutput } from "../queue/run-output.ts";
import type { Task } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import type { Repo } from "./repo.ts";
import { readRunOutputs, type RunOutputPorts } from "./run-outputs.ts";
import type { QueueStore } from "../queue/queue-store.ts";

/** Where an output lies: below the folder of the run that wrote it. */
export type OutputPlace = Pick<RunOutput, "holder" | "path">;

/** Whether two outputs are the same file or folder, whichever runs they belong to. */
export function isSamePlace(a: OutputPlace, b: OutputPlace): boolean {
  return a.holder === b.holder && a.path === b.path;
}

/**
 * Whether an output lies on this machine, as far as names tell. A clone that got another name has its folders still; of
 * what lies elsewhere nobody here can say how it is.
 */
export function isHere(
  { machineLabel, runs }: Pick<Repo, "machineLabel" | "runs">,
  { machine, holder }: Pick<RunOutput, "machine" | "holder">,
): boolean {
  return machine === machineLabel || runs.has(holder);
}

/** The attempt that wrote to a path below a run's folder; `undefined` for a path that is no output's. */
export function attemptOfPath(path: string): number | undefined {
  const digits = /^outputs\/([1-9]\d{0,8})\//.exec(path)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** What an alias in force stands for. */
export interface AliasedPlaces {
  readonly alias: string;
  readonly run: JobId;
  /** Of all its outputs, when absent. */
  readonly output: string | undefined;
  /** The places of its output, or of all outputs of its run; none when they are on another machine. */
  readonly places: readonly OutputPlace[];
}

/** What the aliases in force stand for. */
export async function readAliasedPlaces(
  repo: Repo,
  ports: RunOutputPorts & { readonly store: Pick<QueueStore, "aliases"> },
): Promise<readonly AliasedPlaces[]> {
  const aliases = await ports.store.aliases();
  const outputs = await readRunOutputs(repo, ports, [...new Set(aliases.map(({ run }) => run))]);
  return aliases.map(({ name: alias, run, output }) => ({
    alias,
    run,
    output,
    places: (outputs.get(run) ?? []).filter(({ name, item }) => item === "" && (output ?? name) === name),
  }));
}

/** What a run of the queue reads from other runs. */
export interface RunReads {
  /** Once it is resolved. */
  readonly places: readonly OutputPlace[];
  /** Before that. */
  readonly outputs: readonly { readonly run: JobId; readonly output: string }[];
}

const NOTHING: RunReads = { places: [], outputs: [] };

/** What a run reads, or is going to. Of one that cannot be read nobody knows. */
export function readsOf({ inputs, spec: { stage } }: Pick<Task, "inputs" | "spec">): RunReads {
  if (stage === undefined) return NOTHING;
  const records = inputs === undefined ? undefined : parseInputRecords(inputs);
  if (records === undefined) return { ...NOTHING, outputs: sourcesOf(stage).flatMap(referredBy) };
  const parts = [...records.values()].flatMap((input): readonly ResolvedPart[] =>
    input.kind === "one" ? [input] : input.elements,
  );
  return { ...NOTHING, places: parts.flatMap(({ place }) => ("holder" in place ? [place] : [])) };
}

function sourcesOf(stage: NonNullable<Task["spec"]["stage"]>): readonly InputSource[] {
  try {
    return readStageWork(stage).inputs;
  } catch (error) {
    if (error instanceof AexpError) return [];
    throw error;
  }
}

function referredBy(input: InputSource): RunReads["outputs"] {
  if (input.kind === "run") return [{ run: input.run, output: input.output }];
  return input.kind === "list" ? input.elements.map(({ run }) => ({ run, output: input.output })) : [];
}
