import type { Config } from "../config/config.ts";
import type { InstalledMarker } from "../config/installed-marker.ts";
import type { ProjectHooks } from "../hooks/project-hooks.ts";
import type { CodeHistory } from "../git/code-history.ts";
import type { Git } from "../git/git.ts";
import type { NoteStore } from "../kb/kb-store.ts";
import type { LedgerStore } from "../ledger/ledger-store.ts";
import type { RunsIndexStore } from "../ledger/runs-index.ts";
import type { Clock } from "../model/clock.ts";
import type { AttemptFiles } from "../run/attempt-files.ts";
import type { LiveProcesses } from "../run/live-processes.ts";
import type { RunStore } from "../run/run-store.ts";

/** One repository with everything a use case may need of it. Built in `wiring/`; opening it reads only the marker. */
export interface Repo {
  /** Absolute path of the root. */
  readonly root: string;
  /** What `aexp install` left on this machine; `undefined` before that. */
  readonly marker: InstalledMarker | undefined;
  /** Short name of this machine: the marker's label, or the short host name. */
  readonly machineLabel: string;
  /** The user's home folder, which no committed entry may name. */
  readonly home: string;
  readonly runs: RunStore;
  readonly attempts: AttemptFiles;
  readonly ledger: LedgerStore;
  readonly runsIndex: RunsIndexStore;
  /** The knowledge base. */
  readonly notes: NoteStore;
  readonly processes: LiveProcesses;
  /** The project's configuration, read at the first call. @throws {AexpError} `config.invalid` */
  readonly readConfig: () => Promise<Config>;
  /** The URL of the database that machines share; `undefined`, when there is none. @throws {AexpError} `queue.database_url_missing` */
  readonly readDatabaseUrl: () => Promise<string | undefined>;
  /** The project's hooks, which only few commands run. */
  readonly openHooks: () => Promise<ProjectHooks>;
  readonly git: Git;
  readonly history: CodeHistory;
  readonly clock: Clock;
  /** Tells the user something that does not stop the command; one line on stderr. */
  readonly warn: (message: string) => void;
}
