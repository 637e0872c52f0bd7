import type { Citation } from "../kb/citation.ts";
import type { Finding } from "../kb/finding.ts";
import type { RunsIndex } from "../ledger/runs-index.ts";
import { type Exact, type ExactObject, toPythonJson } from "../model/exact-json.ts";
import { runLinkOf } from "../run/document.ts";
import { parameterAt } from "../run/parameters.ts";
import type { Sighting } from "./join.ts";
import { unfinishedStatus } from "./outcome.ts";

/** What is known about one cited run. */
export interface RunTally {
  isHere: boolean;
  /** How it ended, when it did not complete. */
  unfinished: string | undefined;
  /** Machines whose index lists it. */
  readonly machines: Set<string>;
}

/** What is known about one cited batch. */
export interface BatchTally {
  readonly selector: ReadonlyMap<string, string>;
  /** The condition that the selector names, as the runs index spells it. */
  readonly condition: string | undefined;
  /** Runs in the ledger or the local store. */
  here: number;
  /** How many of them did not complete, and the first few ids. */
  unfinishedCount: number;
  readonly unfinished: string[];
  readonly elsewhere: Set<string>;
  readonly machines: Set<string>;
}

const EXAMPLES = 3;

/**
 * What the findings cite, and what turns up about it. Only what is cited is kept, so memory depends on the findings
 * and not on the number of runs.
 */
export class CitationBook {
  readonly #runs = new Map<string, RunTally>();
  readonly #batches = new Map<string, Map<string, BatchTally>>();

  constructor(findings: readonly Finding[]) {
    for (const { citations } of findings) {
      for (const citation of citations) {
        if (citation.type === "job") this.#openRun(citation.jobId);
        if (citation.type === "batch") this.#openBatch(citation.experimentId, citation.selector);
      }
    }
  }

  run(citation: Extract<Citation, { type: "job" }>): RunTally {
    return this.#openRun(citation.jobId);
  }

  batch(citation: Extract<Citation, { type: "batch" }>): BatchTally {
    return this.#openBatch(citation.experimentId, citation.selector);
  }

  /** Takes in what is here about a job id. */
  see(sighting: Sighting): void {
    const { jobId, local, entry } = sighting;
    if (local === undefined && entry?.kind !== "entry") return;
    const run = this.#runs.get(jobId);
    if (run !== undefined) {
      run.isHere = true;
      run.unfinished = unfinishedStatus(sighting);
    }
    if (this.#batches.size > 0) this.#countInBatches(sighting);
  }

  /** Takes in what another machine says it has. */
  seeElsewhere({ machine_label: machine, entries }: RunsIndex): void {
    for (const entry of entries) {
      this.#runs.get(entry.job_id)?.machines.add(machine);
      if (typeof entry.experiment_id !== "string") continue;
      for (const batch of this.#batches.get(entry.experiment_id)?.values() ?? []) {
        // An index knows no parameter but the condition; the others may match.
        if (batch.condition !== undefined && batch.condition !== (entry.condition ?? undefined)) continue;
        batch.elsewhere.add(entry.job_id);
        batch.machines.add(machine);
      }
    }
  }

  #countInBatches(sighting: Sighting): void {
    const { jobId, local, entry } = sighting;
    const statePoint =
      local?.kind === "run" ? local.run.statePoint : entry?.kind === "entry" ? entry.record.statePoint : undefined;
    if (statePoint === undefined) return;
    const batches = this.#batches.get(experimentOf(sighting, statePoint) ?? "");
    if (batches === undefined) return;
    for (const batch of batches.values()) {
      if (!isSelected(statePoint, batch.selector)) continue;
      batch.here += 1;
      if (unfinishedStatus(sighting) === undefined) continue;
      batch.unfinishedCount += 1;
      if (batch.unfinished.length < EXAMPLES) batch.unfinished.push(jobId);
    }
  }

  #openRun(jobId: string): RunTally {
    const known = this.#runs.get(jobId);
    if (known !== undefined) return known;
    const tally: RunTally = { isHere: false, unfinished: undefined, machines: new Set() };
    this.#runs.set(jobId, tally);
    return tally;
  }

  #openBatch(experimentId: string, selector: ExactObject): BatchTally {
    const batches = this.#batches.get(experimentId) ?? new Map<string, BatchTally>();
    this.#batches.set(experimentId, batches);
    const key = toPythonJson(selector, { sortKeys: true });
    const known = batches.get(key);
    if (known !== undefined) return known;
    const condition = selector.get("condition");
    const tally: BatchTally = {
      selector: new Map([...selector].map(([name, value]) => [name, identityOf(value)])),
      condition: typeof condition === "string" ? condition : undefined,
      here: 0,
      unfinishedCount: 0,
      unfinished: [],
      elsewhere: new Set(),
      machines: new Set(),
    };
    batches.set(key, tally);
    return tally;
  }
}

/** Equality of kind and value as equality of texts: `1`, `1.0`, `"1"` and `true` are four values. */
function identityOf(value: Exact): string {
  return toPythonJson(value, { sortKeys: true });
}

function isSelected(statePoint: ExactObject, selector: ReadonlyMap<string, string>): boolean {
  for (const [key, wanted] of selector) {
    const value = parameterAt(statePoint, key);
    if (value === undefined || identityOf(value) !== wanted) return false;
  }
  return true;
}

/** A run belongs to the experiment that it is linked to, else to the one of its state point. */
function experimentOf({ local, entry }: Sighting, statePoint: ExactObject): string | undefined {
  const linked =
    local?.kind === "run"
      ? runLinkOf(local.run.document.facts)
      : entry?.kind === "entry"
        ? entry.record.entry.run_link
        : undefined;
  const own = statePoint.get("experiment_id");
  return linked?.experiment_id ?? (typeof own === "string" ? own : undefined);
}
