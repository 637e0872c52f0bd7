import type { RunDetails } from "../../app/show-run.ts";
import type { LedgerEntry } from "../../ledger/ledger-store.ts";

/** What a stage has read; a list is told by its length. */
export function inputLines({ facts }: Pick<RunDetails, "facts">): readonly string[] {
  return Object.entries(facts.stage?.inputs ?? {}).map(([name, digest = ""]) =>
    typeof digest === "string" ? `${name}  ${digest}` : `${name}  a list of ${digest.length}`,
  );
}

/** As the ledger has them, or the document of a run that is not in it. */
export function outputsOf({ entry, facts }: Pick<RunDetails, "entry" | "facts">): NonNullable<LedgerEntry["outputs"]> {
  if (entry?.outputs !== undefined) return entry.outputs;
  return Object.entries(facts.outputs ?? {}).flatMap(([name, output]) =>
    output === undefined ? [] : [{ name, digest: output.digest, bytes: output.bytes }],
  );
}
