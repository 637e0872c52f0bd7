import type { Digest } from "../output/digest.ts";
import type { OutputOptions, OutputVerdict } from "../output/output-store.ts";
import type { OutputLook, OutputState, RunOutput } from "../queue/run-output.ts";
import type { JobId } from "../run/job-id.ts";
import { findOutputRecord } from "./check-run-output.ts";
import { type KnownOutput, readKnownOutputs } from "./known-outputs.ts";
import { toItemRecord } from "./look-at-output.ts";
import type { OutputPlace } from "./output-places.ts";
import type { Repo } from "./repo.ts";
import type { RunReferred } from "./run-reference.ts";
import { checkOutputName, type OutputPorts } from "./show-outputs.ts";

/** What came of reading an output again. */
export type Verification =
  | Exclude<OutputVerdict, { readonly state: "same" | "changed" }>
  /**
   * @property digest what it is now; `undefined` for a stream of a run that is not complete
   * @property items those of a stream that differ
   */
  | { readonly state: "changed"; readonly digest: Digest | undefined; readonly items?: readonly string[] }
  /** @property isTouched its times or sizes are not those of then, so that it is not reused */
  | { readonly state: "same"; readonly isTouched: boolean }
  /** On another machine. */
  | { readonly state: "elsewhere" }
  /** Nothing is left that says where it lies. */
  | { readonly state: "unrecorded" };

/** One output of a run. */
export interface OutputOfRun {
  readonly run: JobId;
  readonly output: KnownOutput;
}

/** An output that was read again. */
export interface VerifiedOutput extends OutputOfRun {
  readonly verification: Verification;
}

/** How outputs are read again. */
export interface VerifyOptions extends Pick<OutputOptions, "signal"> {
  /** Told of the bytes that were read so far. */
  readonly onProgress?: (bytes: number) => void;
}

/**
 * The outputs that somebody means, each once.
 *
 * @throws {AexpError} `run.not_found`, `run.corrupt`, `output.not_found`
 */
export async function findOutputs(
  repo: Repo,
  ports: OutputPorts,
  references: readonly RunReferred[],
): Promise<readonly OutputOfRun[]> {
  const found = new Map<string, OutputOfRun>();
  for (const { run, output: wanted } of references) {
    const known = await readKnownOutputs(repo, ports, run);
    checkOutputName(run, known, wanted);
    for (const output of known) {
      if (wanted === undefined || output.name === wanted) found.set(`${run}.${output.name}`, { run, output });
    }
  }
  return [...found.values()];
}

/** The bytes of some outputs that lie here; what several runs have from the same place counts once. */
export function countBytes(repo: Repo, outputs: readonly OutputOfRun[]): number {
  const bytes = new Map(
    outputs.flatMap(({ output: { located } }) =>
      located?.machine === repo.machineLabel ? [[keyOf(located), located.bytes]] : [],
    ),
  );
  return [...bytes.values()].reduce((total, one) => total + one, 0);
}

/**
 * Reads outputs again, and notes in the queue what is missing or has changed, so that nobody reuses it. What several
 * runs have from the same place is read once.
 *
 * @throws the reason of the signal
 */
export async function verifyOutputs(
  repo: Repo,
  ports: OutputPorts,
  wanted: readonly OutputOfRun[],
  { signal, onProgress }: VerifyOptions = {},
): Promise<readonly VerifiedOutput[]> {
  const read = new Map<string, Verification>();
  let bytesBefore = 0;
  const verified: VerifiedOutput[] = [];
  for (const { run, output } of wanted) {
    const key = output.located && keyOf(output.located);
    const known = key === undefined ? undefined : read.get(key);
    const told: OutputOptions = { signal, onProgress: ({ bytes }) => onProgress?.(bytesBefore + bytes) };
    const verification = known ?? (await verifyOne(repo, ports, output, told));
    if (known === undefined) bytesBefore += output.bytes;
    if (key !== undefined) read.set(key, verification);
    verified.push({ run, output, verification });
  }
  return verified;
}

function keyOf({ holder, path }: OutputPlace): string {
  return `${holder}/${path}`;
}

async function verifyOne(
  repo: Repo,
  { store, outputs }: OutputPorts,
  { located, items, machine }: KnownOutput,
  options: OutputOptions,
): Promise<Verification> {
  if (machine !== repo.machineLabel) return { state: "elsewhere" };
  if (located === undefined && items.length > 0) return await verifyItems(repo, { store, outputs }, items, options);
  const record = located && findOutputRecord(repo, outputs, located);
  if (located === undefined || record === undefined) return { state: "unrecorded" };
  const folder = repo.runs.workspaceOf(located.holder);
  const verdict = await outputs.verify(record, folder, options);
  const isTouched = verdict.state === "same" && (await outputs.check(record, folder)) !== "present";
  await store.noteOutputs([
    ...toNews(located, isTouched ? "changed" : toState(verdict)),
    ...items.flatMap((item) => toNews(item, toItemState(verdict, item.item))),
  ]);
  return verdict.state === "same" ? { state: "same", isTouched } : verdict;
}

/** The stream of a run that is not complete: there is no record of the whole. */
async function verifyItems(
  repo: Repo,
  { store, outputs }: Pick<OutputPorts, "store" | "outputs">,
  items: readonly RunOutput[],
  options: OutputOptions,
): Promise<Verification> {
  const differing: string[] = [];
  const news: OutputLook[] = [];
  for (const item of items) {
    const record = toItemRecord(item);
    const folder = repo.runs.workspaceOf(item.holder);
    const state = record === undefined ? "changed" : toState(await outputs.verify(record, folder, options));
    if (state !== "present") differing.push(item.item);
    news.push(...toNews(item, state));
  }
  await store.noteOutputs(news);
  if (differing.length === 0) return { state: "same", isTouched: false };
  return { state: "changed", digest: undefined, items: differing };
}

/** What is noted already is not written again. */
function toNews({ run, name, item, state: before }: RunOutput, state: OutputState): readonly OutputLook[] {
  return state !== before || item === "" ? [{ run, name, item, state }] : [];
}

function toState({ state }: OutputVerdict): OutputState {
  if (state === "same") return "present";
  return state === "missing" ? "missing" : "changed";
}

function toItemState(verdict: OutputVerdict, item: string): OutputState {
  if (verdict.state !== "changed" || verdict.items === undefined) return toState(verdict);
  return verdict.items.includes(item) ? "changed" : "present";
}
