import { resolve } from "node:path";

import { AexpError, messageOf } from "../model/errors.ts";
import { toPythonJson } from "../model/exact-json.ts";
import type { Digest } from "../output/digest.ts";
import type { InputPlace, InputRecord, InputRecords, ResolvedPart } from "../pipeline/resolved-inputs.ts";
import type { InputSource, StageWork } from "../pipeline/stage-work.ts";
import type { RunOutput } from "../queue/run-output.ts";
import type { TaskReason } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import { checkRunOutput } from "./check-run-output.ts";
import { isHere } from "./output-places.ts";
import type { Repo } from "./repo.ts";
import { findSucceeded, readRunOutputs } from "./run-outputs.ts";
import type { CachePorts } from "./stage-ports.ts";

/** The inputs of a run, or why it cannot have them. */
export type InputsFound = { readonly inputs: InputRecords } | { readonly problem: TaskReason };

/** Where an input is on this machine. */
export function toAbsolutePath(repo: Repo, place: InputPlace): string {
  return "holder" in place ? resolve(repo.runs.workspaceOf(place.holder), place.path) : resolve(repo.root, place.path);
}

/**
 * Finds the inputs of runs: what other runs wrote for them, as it lies on disk, and what lay there before. Each file and
 * folder is looked at once, however many runs of the same call read it.
 */
export class StageInputs {
  readonly #repo: Repo;
  readonly #ports: CachePorts;
  readonly #signal: AbortSignal | undefined;
  readonly #external = new Map<string, Promise<ResolvedPart>>();
  readonly #ofRuns = new Map<JobId, readonly RunOutput[]>();
  readonly #checked = new Map<string, Promise<string | undefined>>();

  /** @param signal ends hashing; what is asked then throws its reason */
  constructor(repo: Repo, ports: CachePorts, signal?: AbortSignal) {
    this.#repo = repo;
    this.#ports = ports;
    this.#signal = signal;
  }

  async find({ inputs }: Pick<StageWork, "inputs">): Promise<InputsFound> {
    await this.#readOutputs(inputs.flatMap(runsOf));
    const found = new Map<string, InputRecord>();
    for (const input of inputs) {
      const record = await this.#findOne(input);
      if ("code" in record) return { problem: record };
      found.set(input.name, record);
    }
    return { inputs: found };
  }

  async #readOutputs(runs: readonly JobId[]): Promise<void> {
    const unknown = [...new Set(runs)].filter((run) => !this.#ofRuns.has(run));
    if (unknown.length === 0) return;
    const found = await readRunOutputs(this.#repo, this.#ports, unknown);
    for (const run of unknown) this.#ofRuns.set(run, found.get(run) ?? []);
  }

  async #findOne(input: InputSource): Promise<InputRecord | TaskReason> {
    switch (input.kind) {
      case "path":
        return await this.#findPath(input);
      case "run": {
        const part = await this.#findOutput(input.run, input.output, input);
        return "code" in part ? part : { kind: "one", ...part };
      }
      case "list":
        return await this.#findList(input);
    }
  }

  async #findPath({ path, hash }: InputSource & { readonly kind: "path" }): Promise<InputRecord | TaskReason> {
    const key = `${hash}:${path}`;
    const part = this.#external.get(key) ?? this.#hash(path, hash);
    this.#external.set(key, part);
    try {
      return { kind: "one", ...(await part) };
    } catch (error) {
      this.#signal?.throwIfAborted();
      return unreadable(error);
    }
  }

  async #hash(path: string, hash: "content" | "stat"): Promise<ResolvedPart> {
    const place = { path };
    const options = { hash, signal: this.#signal };
    const { digest, stats } = await this.#ports.hasher.hash(toAbsolutePath(this.#repo, place), options);
    return { place, digest, stats };
  }

  async #findList({ elements, output, minSuccess, name }: InputSource & { readonly kind: "list" }) {
    const runs = elements.map(({ run }) => run);
    const succeeded = await findSucceeded(this.#repo, this.#ports, runs);
    const parts: Extract<InputRecord, { kind: "list" }>["elements"][number][] = [];
    for (const { run, bindings } of elements) {
      if (!succeeded.has(run)) continue;
      const part = await this.#findOutput(run, output);
      if ("code" in part) return part;
      parts.push({ run, bindings: toPythonJson(bindings), ...part });
    }
    const wanted = minSuccess ?? elements.length;
    if (parts.length >= wanted) return { kind: "list" as const, elements: parts };
    const message = `only ${parts.length} of ${elements.length} runs of its input ${JSON.stringify(name)} succeeded, and ${wanted} must`;
    return { code: "needs_failed" as const, message };
  }

  async #findOutput(
    run: JobId,
    output: string,
    wanted: { readonly item?: string | undefined; readonly digest?: Digest | undefined } = {},
  ): Promise<ResolvedPart | TaskReason> {
    const { item = "" } = wanted;
    const found = this.#ofRuns.get(run)?.find((known) => known.name === output && known.item === item);
    const name = item === "" ? output : `${output}/${item}`;
    const short = run.slice(0, 8);
    if (found === undefined) return missing(`run ${short} has no output ${JSON.stringify(name)}`);
    const { digest, stats, holder, path, machine } = found;
    if (!isHere(this.#repo, found))
      return missing(`the output ${JSON.stringify(name)} of run ${short} is on ${machine}, and not here`);
    if (wanted.digest !== undefined && wanted.digest !== digest)
      return { code: "input_changed", message: `the output ${JSON.stringify(name)} of run ${short} was overwritten` };
    const problem = await this.#check(found);
    const place = item === "" ? { holder, path } : { holder, path, item };
    if (problem === undefined) return { place, digest, stats };
    return missing(`the output ${JSON.stringify(name)} of run ${short} is ${problem} since it was written`);
  }

  /** @returns how it was found, when it is not as it was written */
  async #check(output: RunOutput): Promise<string | undefined> {
    const key = `${output.holder}/${output.path}`;
    const known = this.#checked.get(key) ?? this.#look(output);
    this.#checked.set(key, known);
    return await known;
  }

  async #look(output: RunOutput): Promise<string | undefined> {
    const state = await checkRunOutput(this.#repo, this.#ports.outputs, output);
    if (state === "present") return undefined;
    const { run, name, item } = output;
    await this.#ports.store.noteOutputs([{ run, name, item, state }]);
    return state;
  }
}

function runsOf(input: InputSource): readonly JobId[] {
  if (input.kind === "run") return [input.run];
  return input.kind === "list" ? input.elements.map(({ run }) => run) : [];
}

function missing(message: string): TaskReason {
  return { code: "input_missing", message };
}

function unreadable(error: unknown): TaskReason {
  const isChanging = error instanceof AexpError && error.code === "output.changed_while_hashing";
  return { code: isChanging ? "input_changed" : "input_missing", message: messageOf(error) };
}
