import { type Instant, parseInstant } from "../model/clock.ts";
import { isJsonObject } from "../model/json.ts";
import { outputFolder, outputPathProblem } from "./declaration.ts";
import { type Digest, isDigest } from "./digest.ts";

/** One item of a stream, such as a checkpoint. */
export interface OutputItem {
  /** The name of the entry in the stream's folder. */
  readonly item: string;
  /** Relative to the run's folder. */
  readonly path: string;
  readonly digest: Digest;
  readonly bytes: number;
  readonly files: number;
  readonly stats: Digest;
}

/** What an attempt wrote for one of its declared outputs. */
export interface OutputRecord {
  readonly name: string;
  /** Relative to the run's folder. */
  readonly path: string;
  readonly kind: string;
  readonly digest: Digest;
  /** Sizes of all files, added up. */
  readonly bytes: number;
  /** Regular files: links and folders do not count. */
  readonly files: number;
  /** Those of a stream, in the order of their names. */
  readonly items?: readonly OutputItem[];
  /** Entries of a stream's folder that were no items then: unfinished, or links. */
  readonly left?: readonly string[];
  readonly checkedAt: Instant;
  /** Of paths, sizes and times: while it is the same, so is the digest. */
  readonly stats: Digest;
}

/** The outputs of one attempt, as `outputs/<attempt>.json` in the run's folder holds them. */
export interface AttemptOutputs {
  readonly attempt: number;
  readonly outputs: readonly OutputRecord[];
}

/** What the value of a record was found to be. */
export type AttemptOutputsRead =
  | { readonly kind: "valid"; readonly value: AttemptOutputs }
  | { readonly kind: "invalid"; readonly problem: string };

/**
 * Reads the value of an attempt's record. Whoever can write to the run's folder may have written it, so what does not fit
 * is refused as a whole: a path outside of the attempt's own folder above all. Guards instead of a schema: the supervisor
 * needs this, and with the code of the schemas its file would be nine times as large.
 */
export function toAttemptOutputs(value: unknown, attempt: number): AttemptOutputsRead {
  if (!isJsonObject(value) || value["schema_version"] !== 1 || !Array.isArray(value["outputs"]))
    return { kind: "invalid", problem: "it has another shape" };
  if (value["attempt"] !== attempt)
    return { kind: "invalid", problem: `it is that of attempt ${JSON.stringify(value["attempt"])}` };
  const outputs: OutputRecord[] = [];
  const entries: readonly unknown[] = value["outputs"];
  for (const [index, entry] of entries.entries()) {
    const record = toRecord(entry, `${outputFolder(attempt)}/`);
    if (record === undefined) return { kind: "invalid", problem: `its output ${index + 1} has another shape` };
    if (outputs.some(({ name }) => name === record.name))
      return { kind: "invalid", problem: `it has two outputs ${JSON.stringify(record.name)}` };
    outputs.push(record);
  }
  return { kind: "valid", value: { attempt, outputs } };
}

/** The value that {@link toAttemptOutputs} reads. */
export function fromAttemptOutputs({ attempt, outputs }: AttemptOutputs): unknown {
  return { schema_version: 1, attempt, outputs };
}

function toRecord(entry: unknown, prefix: string): OutputRecord | undefined {
  if (!isJsonObject(entry)) return undefined;
  const { name, kind, checkedAt, items, left } = entry;
  const facts = toFacts(entry, prefix);
  if (facts === undefined || !isWord(name) || !isWord(kind)) return undefined;
  if (typeof checkedAt !== "string" || parseInstant(checkedAt) === undefined) return undefined;
  const record = { name, kind, ...facts, checkedAt };
  if (items === undefined) return left === undefined ? record : undefined;
  const read = toItems(items, facts.path);
  if (read === undefined) return undefined;
  if (left === undefined) return { ...record, items: read };
  return isTexts(left) ? { ...record, items: read, left } : undefined;
}

function toItems(values: unknown, path: string): readonly OutputItem[] | undefined {
  if (!Array.isArray(values)) return undefined;
  const items: OutputItem[] = [];
  const entries: readonly unknown[] = values;
  for (const entry of entries) {
    const facts = isJsonObject(entry) ? toFacts(entry, `${path}/`) : undefined;
    if (facts === undefined || !isJsonObject(entry)) return undefined;
    const { item } = entry;
    if (typeof item !== "string" || item.includes("/") || facts.path !== `${path}/${item}`) return undefined;
    items.push({ item, ...facts });
  }
  return items;
}

function toFacts(entry: Readonly<Record<string, unknown>>, prefix: string): Omit<OutputItem, "item"> | undefined {
  const { path, digest, bytes, files, stats } = entry;
  if (typeof path !== "string" || !path.startsWith(prefix)) return undefined;
  if (outputPathProblem(path.slice(prefix.length)) !== undefined) return undefined;
  if (typeof digest !== "string" || typeof stats !== "string" || !isDigest(digest) || !isDigest(stats))
    return undefined;
  return isCount(bytes) && isCount(files) ? { path, digest, bytes, files, stats } : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isWord(value: unknown): value is string {
  return typeof value === "string" && /^[^\u0000-\u001f\u007f]+$/.test(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}
