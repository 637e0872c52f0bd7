import { isJsonObject, type JsonObject, type JsonValue, withoutUndefined } from "../model/json.ts";
import { type Digest, isDigest } from "../output/digest.ts";
import { outputPathProblem } from "../output/declaration.ts";
import { isJobId, type JobId } from "../run/job-id.ts";

/** Where a resolved input lies: in the folder of a run, or somewhere else. */
export type InputPlace =
  /** `path` is relative to the folder of the run that holds it; `item` names the item of a stream that it is. */
  | { readonly holder: JobId; readonly path: string; readonly item?: string | undefined }
  /** `path` is absolute, or relative to the root of the repository. */
  | { readonly path: string };

/** One file or folder that a run reads, as it was when the run was resolved. */
export interface ResolvedPart {
  readonly place: InputPlace;
  readonly digest: Digest;
  /** Of paths, sizes and times: while it is the same, so is the digest. */
  readonly stats: Digest;
}

/** What an input of a run is. */
export type InputRecord =
  | ({ readonly kind: "one" } & ResolvedPart)
  | {
      readonly kind: "list";
      /** In the order of the elements; those that did not succeed are not among them. */
      readonly elements: readonly (ResolvedPart & { readonly run: JobId; readonly bindings: string })[];
    };

/** The inputs of a run by name, in the order of its stage. */
export type InputRecords = ReadonlyMap<string, InputRecord>;

/** The inputs as the queue keeps them; {@link parseInputRecords} reads them back. */
export function toInputsValue(inputs: InputRecords): JsonValue {
  return [...inputs].map(([name, input]): JsonObject => {
    if (input.kind === "one") return { name, kind: input.kind, ...toPartValue(input) };
    const elements = input.elements.map((part) => ({
      run: part.run,
      bindings: part.bindings,
      ...toPartValue(part),
    }));
    return { name, kind: input.kind, elements };
  });
}

function toPartValue({ place, digest, stats }: ResolvedPart): JsonObject {
  return { place: withoutUndefined({ ...place }), digest, stats };
}

/** The inputs that were written before; `undefined` when that is something else. */
export function parseInputRecords(value: unknown): InputRecords | undefined {
  if (value === null || value === undefined) return new Map();
  if (!Array.isArray(value)) return undefined;
  const inputs = new Map<string, InputRecord>();
  for (const item of value) {
    const input = isJsonObject(item) ? parseInput(item) : undefined;
    if (!isJsonObject(item) || typeof item["name"] !== "string" || input === undefined) return undefined;
    inputs.set(item["name"], input);
  }
  return inputs;
}

type Fields = Readonly<Record<string, unknown>>;

function parseInput(item: Fields): InputRecord | undefined {
  if (item["kind"] === "one") {
    const part = parsePart(item);
    return part && { kind: "one", ...part };
  }
  const { kind, elements } = item;
  if (kind !== "list" || !Array.isArray(elements)) return undefined;
  const parts = elements.map((element: unknown) => (isJsonObject(element) ? parseElement(element) : undefined));
  const whole = parts.filter((part) => part !== undefined);
  return whole.length === parts.length ? { kind, elements: whole } : undefined;
}

function parseElement(item: Fields): (ResolvedPart & { readonly run: JobId; readonly bindings: string }) | undefined {
  const { run, bindings } = item;
  const part = parsePart(item);
  if (part === undefined || typeof run !== "string" || !isJobId(run) || typeof bindings !== "string") return undefined;
  return { run, bindings, ...part };
}

function parsePart({ place, digest, stats }: Fields): ResolvedPart | undefined {
  if (!isJsonObject(place) || typeof digest !== "string" || typeof stats !== "string") return undefined;
  if (!isDigest(digest) || !isDigest(stats) || typeof place["path"] !== "string") return undefined;
  const { holder, path, item } = place;
  if (holder === undefined) return { place: { path }, digest, stats };
  if (typeof holder !== "string" || !isJobId(holder) || outputPathProblem(path) !== undefined) return undefined;
  if (item === undefined) return { place: { holder, path }, digest, stats };
  return typeof item === "string" ? { place: { holder, path, item }, digest, stats } : undefined;
}
