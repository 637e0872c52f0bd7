import { homedir, hostname } from "node:os";
import { join } from "node:path";

import type { Repo } from "../app/repo.ts";
import { chooseDatabaseUrl } from "../config/database-url.ts";
import { checkNamedRoot, findRoot, readInstalledMarker } from "../config/fs/find-root.ts";
import { loadConfig } from "../config/fs/load-config.ts";
import { DEFAULT_RUN_STORE_PATH } from "../config/installed-marker.ts";
import type { ProjectHooks } from "../hooks/project-hooks.ts";
import { GitCodeHistory } from "../git/program/code-history.ts";
import { GitProgram } from "../git/program/git-adapter.ts";
import { FsNoteStore } from "../kb/fs/fs-note-store.ts";
import { FsLedgerStore } from "../ledger/fs/fs-ledger-store.ts";
import { FsRunsIndexStore } from "../ledger/fs/fs-runs-index-store.ts";
import { systemClock } from "../platform/system-clock.ts";
import { FsAttemptFiles } from "../run/fs/fs-attempt-files.ts";
import { FsRunStore } from "../run/fs/fs-run-store.ts";
import { localProcesses } from "../executor/local/local-processes.ts";
import type { OpenHooksOptions } from "./open-hooks.ts";

/** Where to look for the repository. */
export interface OpenRepoOptions {
  /** The folder that the user named; without one, the working directory and the folders above it are searched. */
  readonly folder?: string | undefined;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly warn: (message: string) => void;
}

/**
 * Builds the ports of a repository. Nothing but the install marker is read; the rest is read when it is asked for.
 *
 * @throws {AexpError} `repo.not_found`
 */
export function openRepo(options: OpenRepoOptions): Repo {
  const root = options.folder === undefined ? findRoot(options.cwd) : checkNamedRoot(options.folder);
  const marker = readInstalledMarker(root, options.warn);
  const home = options.env["HOME"] ?? homedir();
  let config: ReturnType<typeof loadConfig> | undefined;
  let hooks: Promise<ProjectHooks> | undefined;
  const runs = new FsRunStore(join(root, marker?.run_store_path ?? DEFAULT_RUN_STORE_PATH));
  const readConfig = () => (config ??= loadConfig(root));
  return {
    root,
    marker,
    machineLabel: marker?.machine_label ?? shortHostName(),
    home,
    runs,
    attempts: new FsAttemptFiles(runs),
    ledger: new FsLedgerStore(join(root, ".aexp", "ledger")),
    runsIndex: new FsRunsIndexStore(join(root, ".aexp", "runs-index")),
    notes: new FsNoteStore(root),
    processes: localProcesses,
    readConfig,
    readDatabaseUrl: async () => chooseDatabaseUrl((await readConfig()).store, options.env),
    openHooks: () => (hooks ??= importHooks({ root, home, env: options.env })),
    git: new GitProgram(root),
    history: new GitCodeHistory(root),
    clock: systemClock,
    warn: options.warn,
  };
}

async function importHooks(options: OpenHooksOptions): Promise<ProjectHooks> {
  const { openHooks } = await import("./open-hooks.ts");
  return openHooks(options);
}

/** The name of a machine whose clone says no other. */
export function shortHostName(): string {
  return hostname().split(".")[0] ?? hostname();
}
