import { DEFAULT_RUN_STORE_PATH } from "../config/installed-marker.ts";
import {
  planAttributesFile,
  planIgnoreFile,
  planMarker,
  type PlannedFile,
  planNoteFolders,
  planSpecialNotes,
} from "../install/plan.ts";
import { KB_FOLDER } from "../kb/kb-store.ts";
import { identify } from "../kb/note-place.ts";
import { planPushHook } from "../install/push-hook.ts";
import { checkRunStorePath } from "../install/run-store-path.ts";
import type { TextFiles } from "../install/text-files.ts";
import { toInstant } from "../model/clock.ts";
import { AexpError } from "../model/errors.ts";
import type { RunStore } from "../run/run-store.ts";
import type { Repo } from "./repo.ts";

/** What git calls to merge two versions of an entry. */
const DRIVER = {
  "merge.aexp-ledger.name": "aexp ledger entries: keep both outcomes",
  "merge.aexp-ledger.driver": "aexp ledger merge-driver %O %A %B %P",
} as const;

/** How a repository is made one of aexp's. */
export interface InstallOptions {
  /** Version of aexp. */
  readonly version: string;
  readonly machineLabel?: string | undefined;
  readonly runStorePath?: string | undefined;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  /** Go on without git. */
  readonly noRequireGit?: boolean;
  readonly noKb?: boolean;
  readonly gitHooks?: boolean;
}

/** What install needs beside the repository. */
export interface InstallPorts {
  readonly files: TextFiles;
  readonly openStore: (path: string) => RunStore;
}

/** One thing that install takes care of. */
export interface InstallStep {
  readonly what: string;
  /** With `--dry-run`, what would be done. */
  readonly action: "created" | "updated" | "identical";
}

/** What install did, or would do. */
export interface InstallOutcome {
  readonly machine_label: string;
  readonly run_store_path: string;
  readonly dry_run: boolean;
  /** Whether nothing was left to do. */
  readonly unchanged: boolean;
  readonly steps: readonly InstallStep[];
  readonly warnings: readonly string[];
}

/** A step that is known and not done yet. */
interface Planned extends InstallStep {
  readonly apply: () => Promise<void>;
}

/**
 * Makes a repository one of aexp's. Everything is looked at before the first byte is written, and the marker is
 * written last; calling it again changes nothing, or finishes what was interrupted.
 *
 * @throws {AexpError} `install.*`, `gitignore.block_broken`, `environment.read_only`, `git.unsafe_directory`
 */
export async function installRepo(repo: Repo, ports: InstallPorts, options: InstallOptions): Promise<InstallOutcome> {
  const hasGit = await checkGit(repo, options);
  const label = checkLabel(options.machineLabel ?? defaultLabel(repo));
  const storePath = checkStore(repo, ports, options);
  const ignore = planIgnoreFile(ports.files, storePath);
  const plan: Planned[] = [
    ...[
      ignore.file,
      planAttributesFile(ports.files),
      ...(options.noKb === true ? [] : planKnowledgeBase(repo, ports)),
    ].map((file) => fileStep(ports.files, file)),
    storeStep(ports.openStore(storePath), storePath),
    ...(hasGit ? await planDriver(repo) : []),
    ...(hasGit && options.gitHooks === true
      ? planPushHook(ports.files, await repo.git.hooksFolder()).map((file) => fileStep(ports.files, file))
      : []),
    fileStep(
      ports.files,
      planMarker(ports.files, {
        version: options.version,
        installedAt: toInstant(repo.clock.nowMs()),
        runStorePath: storePath,
        machineLabel: label,
        isForced: options.force === true,
      }),
    ),
  ];
  if (options.dryRun !== true) for (const step of plan) if (step.action !== "identical") await step.apply();
  return {
    machine_label: label,
    run_store_path: storePath,
    dry_run: options.dryRun === true,
    unchanged: plan.every(({ action }) => action === "identical"),
    steps: plan.map(({ what, action }) => ({ what, action })),
    warnings: ignore.warning === undefined ? [] : [ignore.warning],
  };
}

/** A knowledge base that has notes of its own gets the folders that it lacks, and no notes that its owner did without. */
function planKnowledgeBase(repo: Repo, { files }: InstallPorts): readonly PlannedFile[] {
  const folders = planNoteFolders(files);
  const hasNotes = repo.notes
    .list(KB_FOLDER, "deep")
    .files.some((path) => path.endsWith(".md") && identify(path)?.type !== "special");
  return hasNotes ? folders : [...folders, ...planSpecialNotes(files)];
}

async function checkGit(repo: Repo, { noRequireGit }: InstallOptions): Promise<boolean> {
  let isRepository = false;
  try {
    isRepository = await repo.git.isRepository();
  } catch (error) {
    const isMissing = error instanceof AexpError && error.code === "environment.git_missing";
    if (!isMissing || noRequireGit !== true) throw error;
  }
  if (isRepository || noRequireGit === true) return isRepository;
  throw new AexpError(`${JSON.stringify(repo.root)} is not in a git repository, and the ledger travels by git`, {
    code: "install.not_a_repository",
    hint: "Run `git init` first, or install without sharing: `aexp install --no-require-git`.",
  });
}

/** The label in the marker stays; a host name is made to fit. */
function defaultLabel(repo: Repo): string {
  if (repo.marker?.machine_label !== undefined) return repo.marker.machine_label;
  const plain = repo.machineLabel.replaceAll(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  return plain.slice(0, 63) || "machine";
}

function checkLabel(label: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(label)) return label;
  throw new AexpError(
    `${JSON.stringify(label)} cannot be a machine label: expected up to 63 letters, digits, ".", "_" or "-", a letter or digit first`,
    {
      code: "install.label_invalid",
      hint: "Name the machine with --machine-label, for example --machine-label cluster.",
    },
  );
}

function checkStore(repo: Repo, { files, openStore }: InstallPorts, options: InstallOptions): string {
  const before = repo.marker?.run_store_path ?? DEFAULT_RUN_STORE_PATH;
  const path = checkRunStorePath(files, options.runStorePath ?? before);
  if (path === before || options.force === true) return path;
  const old = openStore(before);
  const count = old.exists() ? old.listJobIds().length : 0;
  if (count === 0) return path;
  throw new AexpError(
    `the run store ${JSON.stringify(before)} has ${count} ${count === 1 ? "run" : "runs"}, which would no longer be found`,
    {
      code: "install.store_invalid",
      hint: `Move the folder to ${JSON.stringify(path)} yourself and add --force, or keep the store where it is.`,
    },
  );
}

function fileStep(files: TextFiles, { path, action, text, mode }: PlannedFile): Planned {
  const done = { create: "created", update: "updated", identical: "identical" } as const;
  return { what: path, action: done[action], apply: () => files.write(path, text, mode) };
}

function storeStep(store: RunStore, path: string): Planned {
  return {
    what: `${path}/ (run store)`,
    action: store.exists() ? "identical" : "created",
    apply: () => store.initialize(),
  };
}

async function planDriver(repo: Repo): Promise<readonly Planned[]> {
  const steps: Planned[] = [];
  for (const [key, value] of Object.entries(DRIVER)) {
    const before = await repo.git.configValue(key);
    const action = before === undefined ? "created" : before === value ? "identical" : "updated";
    steps.push({ what: `git config ${key}`, action, apply: () => repo.git.setConfigValue(key, value) });
  }
  return steps;
}
