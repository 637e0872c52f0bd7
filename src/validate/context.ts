import type { NoteStore } from "../kb/kb-store.ts";
import type { LocalPlaces } from "../ledger/leak.ts";
import type { LedgerRead, LedgerRecord, LedgerStore } from "../ledger/ledger-store.ts";
import type { RunsIndexStore } from "../ledger/runs-index.ts";
import type { AttemptFiles } from "../run/attempt-files.ts";
import type { LiveProcesses } from "../run/live-processes.ts";
import type { RunRead, RunStore, StoredRun } from "../run/run-store.ts";
import type { Experiments } from "./experiments.ts";
import type { Report } from "./report.ts";
import type { IssueCode } from "./codes.ts";

/** How a citation of a run that is nowhere is told. */
export const STRICTNESSES = ["error", "warn", "off"] as const;
export type Strictness = (typeof STRICTNESSES)[number];

/** What is checked: everything, only the notes, or only runs and ledger. */
export type Scope = "all" | "kb" | "runs";

/** Everything that the checks read. */
export interface Sources {
  /** Absolute path of the repository. */
  readonly root: string;
  readonly runs: RunStore;
  readonly attempts: AttemptFiles;
  readonly processes: LiveProcesses;
  readonly ledger: LedgerStore;
  readonly runsIndex: RunsIndexStore;
  readonly notes: NoteStore;
  /** Folders of this machine that no entry may name. */
  readonly places: LocalPlaces;
  readonly nowMs: number;
  /** Entry files that are not committed yet. */
  readonly uncommittedEntries: () => Promise<readonly string[]>;
}

/** What is checked, and how strictly. */
export interface CheckOptions {
  readonly strictness: Strictness;
  readonly scope: Scope;
  /** Seconds between the heartbeats of a running attempt. */
  readonly heartbeatIntervalS: number;
  /** Whether the user wants to hear about this file; the path is relative to the root. */
  readonly isSelected: (path: string) => boolean;
  /** Whether the user named exactly this file. */
  readonly isNamed: (path: string) => boolean;
  /** Told after every run or entry that was looked at. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** What the rules for runs and entries may look at beside their subject. */
export interface RuleContext extends Sources, CheckOptions {
  readonly experiments: Experiments;
}

/** A local run that could be read, and what the ledger says about it. */
interface RunSubject {
  readonly run: StoredRun;
  readonly entry: LedgerRead | undefined;
}

export interface RunRule {
  readonly code: IssueCode;
  readonly check: (subject: RunSubject, context: RuleContext) => Report | undefined;
}

/** A ledger entry that could be read, and the local run of the same id. */
interface EntrySubject {
  readonly record: LedgerRecord;
  readonly text: string;
  readonly local: RunRead | undefined;
}

export interface EntryRule {
  readonly code: IssueCode;
  readonly check: (subject: EntrySubject, context: RuleContext) => Report | undefined;
}
