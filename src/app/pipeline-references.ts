import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";
import type { Pipeline, RunReference, StageInput } from "../pipeline/pipeline.ts";
import type { Alias } from "../queue/alias.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { JobId } from "../run/job-id.ts";
import type { Repo } from "./repo.ts";
import { resolveJobId } from "./resolve-run.ts";
import { isHere } from "./output-places.ts";
import { readRunOutputs, type RunOutputPorts } from "./run-outputs.ts";

/** What is asked of the queue about runs of before. */
export interface ReferencePorts extends RunOutputPorts {
  readonly store: Pick<QueueStore, "aliases" | "outputs" | "tasks">;
}

/** The run and output that an input takes from before. */
export interface ReferredOutput {
  readonly run: JobId;
  readonly output: string;
}

type Referring = Extract<StageInput, { readonly kind: "pin" | "alias" }>;

/** Runs of before that a pipeline reads from. Each reference is looked up once, so that all its runs mean the same. */
export class PipelineReferences {
  readonly #found = new Map<string, ReferredOutput>();

  /** What a pin or an alias stood for when the pipeline was read. */
  of(input: Referring): ReferredOutput {
    const found = this.#found.get(keyOf(input));
    if (found === undefined) throw new Error(`the input ${input.name} was not looked up`);
    return found;
  }

  /** @throws {AexpError} `pipeline.reference_unusable`, `run.not_found`, `run.ambiguous`, `alias.not_found` */
  static async find(repo: Repo, ports: ReferencePorts, pipeline: Pipeline): Promise<PipelineReferences> {
    const references = new PipelineReferences();
    const referring = [...pipeline.stages.values()].flatMap(({ inputs }) => inputs.filter(isReferring));
    // All at one time, so that an alias which moves meanwhile does not mean two runs.
    const aliases = referring.length === 0 ? [] : await ports.store.aliases();
    for (const input of referring) {
      if (references.#found.has(keyOf(input))) continue;
      const reference = input.kind === "alias" ? input : toReference(pipeline, input.pin);
      references.#found.set(keyOf(input), await findOutput(repo, ports, { reference, aliases }, input));
    }
    return references;
  }
}

function isReferring(input: StageInput): input is Referring {
  return input.kind === "pin" || input.kind === "alias";
}

function keyOf(input: Referring): string {
  return JSON.stringify([input.kind === "pin" ? input.pin : `@${input.alias}`, input.output ?? null]);
}

function toReference({ pins }: Pipeline, pin: string): RunReference {
  const reference = pins.get(pin);
  if (reference === undefined) throw new Error(`the pipeline has no pin ${pin}`);
  return reference;
}

async function findOutput(
  repo: Repo,
  ports: ReferencePorts,
  {
    reference,
    aliases,
  }: {
    readonly reference: RunReference | Extract<StageInput, { readonly kind: "alias" }>;
    readonly aliases: readonly Alias[];
  },
  input: Referring,
): Promise<ReferredOutput> {
  const alias = reference.kind === "alias" ? findAlias(aliases, reference.alias) : undefined;
  const run = alias?.run ?? resolveJobId(repo, reference.kind === "run" ? reference.idPrefix : "");
  const outputs = ((await readRunOutputs(repo, ports, [run])).get(run) ?? []).filter((output) => isHere(repo, output));
  const known = outputs.filter(({ item }) => item === "").map(({ name }) => name);
  const wanted = input.output ?? alias?.output;
  const what = `the input ${JSON.stringify(input.name)} comes from run ${run.slice(0, 8)}`;
  if (known.length === 0) {
    throw unusable(
      `${what}, which has no outputs on this machine`,
      "Only a run whose stage succeeded here can be read.",
    );
  }
  if (wanted === undefined) {
    const [only, another] = known;
    if (only !== undefined && another === undefined) return { run, output: only };
    throw unusable(`${what}, which has the outputs ${known.join(", ")}`, "Say which with output.");
  }
  if (known.includes(wanted)) return { run, output: wanted };
  throw unusable(
    `${what}, which has no output ${JSON.stringify(wanted)}.${didYouMean(wanted, known)}`,
    `It has ${known.join(", ")}.`,
  );
}

function findAlias(aliases: readonly Alias[], name: string): Alias {
  const alias = aliases.find((known) => known.name === name);
  if (alias !== undefined) return alias;
  const guess = didYouMean(
    name,
    aliases.map((known) => known.name),
  );
  throw new AexpError(`there is no alias ${JSON.stringify(name)}.${guess} Nothing was queued`, {
    code: "alias.not_found",
    hint: "`aexp alias list` shows those that there are; `aexp alias set NAME RUN` makes one.",
  });
}

function unusable(problem: string, hint: string): AexpError {
  return new AexpError(`${problem}. Nothing was queued`, { code: "pipeline.reference_unusable", hint });
}
