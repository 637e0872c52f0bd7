import type { RunOutput } from "../queue/run-output.ts";
import type { JobId } from "../run/job-id.ts";
import { findOutputRecord } from "./check-run-output.ts";
import { rowOf } from "./list-runs.ts";
import type { Repo } from "./repo.ts";
import { readRunOutputs, type RunOutputPorts } from "./run-outputs.ts";

/** An output of a run, as far as this machine knows of it. */
export interface KnownOutput {
  readonly name: string;
  readonly kind: string | undefined;
  /** `undefined` for a stream of a run that is not complete. */
  readonly digest: string | undefined;
  readonly bytes: number;
  readonly files: number | undefined;
  /** The machine that wrote it. */
  readonly machine: string;
  /** Where it lies; `undefined` when only documents and ledger entries tell of it. */
  readonly located: RunOutput | undefined;
  /** Those of a stream, in the order of their names. */
  readonly items: readonly RunOutput[];
}

/**
 * The outputs of a run: from the queue or from the records beside them, else from its document or its ledger entry, which
 * say what they were and not where.
 *
 * @throws {AexpError} `run.not_found`, `run.corrupt`
 */
export async function readKnownOutputs(repo: Repo, ports: RunOutputPorts, run: JobId): Promise<readonly KnownOutput[]> {
  const rows = (await readRunOutputs(repo, ports, [run])).get(run) ?? [];
  if (rows.length === 0) return readNotedOutputs(repo, run);
  return [...Map.groupBy(rows, ({ name }) => name)].map(([name, own]) => {
    const located = own.find(({ item }) => item === "");
    const items = own.filter(({ item }) => item !== "");
    return toKnownOutput(name, located, items.length > 0 ? items : recordedItems(repo, ports, located));
  });
}

function toKnownOutput(name: string, located: RunOutput | undefined, items: readonly RunOutput[]): KnownOutput {
  const any = located ?? items[0];
  const sum = (key: "bytes" | "files"): number => items.reduce((total, item) => total + item[key], 0);
  return {
    name,
    kind: any?.kind,
    digest: located?.digest,
    bytes: located?.bytes ?? sum("bytes"),
    files: located?.files ?? sum("files"),
    machine: any?.machine ?? "",
    located,
    items,
  };
}

/** Of a run that the queue has forgotten. */
function recordedItems(
  repo: Repo,
  { outputs }: Pick<RunOutputPorts, "outputs">,
  located: RunOutput | undefined,
): readonly RunOutput[] {
  const record = located && findOutputRecord(repo, outputs, located);
  return (record?.items ?? []).flatMap((item) => (located === undefined ? [] : [{ ...located, ...item }]));
}

function readNotedOutputs(repo: Repo, run: JobId): readonly KnownOutput[] {
  const { row, record } = rowOf(repo, run);
  const facts = row.isLocal ? repo.runs.read(run).document.facts : {};
  const noted: readonly { name: string; digest: string; bytes: number; kind?: string; files?: number }[] =
    facts.outputs === undefined
      ? (record?.entry.outputs ?? [])
      : Object.entries(facts.outputs).flatMap(([name, output]) => (output === undefined ? [] : [{ name, ...output }]));
  return noted.map(({ name, digest, bytes, kind, files }) => ({
    name,
    kind,
    digest,
    bytes,
    files,
    machine: row.machine,
    located: undefined,
    items: [],
  }));
}
