import { hash } from "node:crypto";

import { ATTRIBUTE_LINES, findHidingLine, ignoreLines, mergeManagedBlock } from "../git/managed-block.ts";
import { AexpError } from "../model/errors.ts";
import { type Exact, ExactNumber, type ExactObject, isSameExact, toSortedPrettyJson } from "../model/exact-json.ts";
import { parseExactObject } from "../model/exact-json-reader.ts";
import { SPECIAL_NOTE_TEXTS } from "./special-notes.ts";
import type { TextFiles } from "./text-files.ts";

/** What becomes of one file. */
export interface PlannedFile {
  readonly path: string;
  readonly action: "create" | "update" | "identical";
  /** What it will hold. */
  readonly text: string;
  readonly mode?: number;
}

/** What the marker is to say. */
export interface MarkerFacts {
  readonly version: string;
  readonly installedAt: string;
  readonly runStorePath: string;
  readonly machineLabel: string;
  /** Say it anew even if nothing else changes. */
  readonly isForced: boolean;
}

/** Where the research notes go. */
const NOTE_FOLDERS = [
  "kb/research/threads",
  "kb/research/hypotheses",
  "kb/research/experiments",
  "kb/research/findings",
  "kb/research/literature",
  "kb/reports",
  "kb/lessons",
] as const;

/** The marker's file. It is written last, so that a repository counts as installed only when everything else is there. */
const MARKER = ".aexp/installed.json";

/** `.gitignore`, with the warning that a line of the user's calls for. @throws {AexpError} `gitignore.block_broken` */
export function planIgnoreFile(files: TextFiles, runStorePath: string): { file: PlannedFile; warning?: string } {
  const file = planBlock(files, ".gitignore", ignoreLines(runStorePath));
  const hiding = findHidingLine(file.text);
  if (hiding === undefined) return { file };
  const warning =
    `gitignore_migration_warning: line ${hiding.number} of .gitignore, ${JSON.stringify(hiding.text)}, hides the whole ` +
    "folder, so that no ledger entry can be committed. Delete that line.";
  return { file, warning };
}

/** `.gitattributes`. @throws {AexpError} `gitignore.block_broken` */
export function planAttributesFile(files: TextFiles): PlannedFile {
  return planBlock(files, ".gitattributes", ATTRIBUTE_LINES);
}

/** The notes that every knowledge base begins with; those that are there, whatever they hold, stay as they are. */
export function planSpecialNotes(files: TextFiles): readonly PlannedFile[] {
  return Object.entries(SPECIAL_NOTE_TEXTS).map(([path, text]) => {
    checkFolders(files, path);
    return files.kind(path) === "nothing"
      ? planned(files, { path, action: "create", text })
      : { path, action: "identical", text };
  });
}

/** A `.gitkeep` for each folder of notes that is missing or empty. */
export function planNoteFolders(files: TextFiles): readonly PlannedFile[] {
  return NOTE_FOLDERS.flatMap((folder) => {
    const path = `${folder}/.gitkeep`;
    checkFolders(files, path);
    if (files.kind(path) !== "nothing") return [{ path, action: "identical", text: "" } as const];
    const isUsed = files.kind(folder) === "folder" && !files.isEmptyFolder(folder);
    return isUsed ? [] : [planned(files, { path, action: "create", text: "" })];
  });
}

/**
 * The marker of this machine; keys that others wrote are kept. When it says everything already, it is left as it is.
 */
export function planMarker(files: TextFiles, facts: MarkerFacts): PlannedFile {
  checkFolders(files, MARKER);
  const before = readMarker(files);
  const wanted: ExactObject = new Map<string, Exact>([
    ["schema_version", ExactNumber.int("1")],
    ["version", facts.version],
    ["run_store_path", facts.runStorePath],
    ["scaffold_sha", scaffoldSha()],
    ["machine_label", facts.machineLabel],
  ]);
  const known = before?.value ?? new Map<string, Exact>();
  const merged = new Map([...known, ...wanted]);
  if (before !== undefined && !facts.isForced && known.has("installed_at") && isSameExact(merged, known)) {
    return { path: MARKER, action: "identical", text: before.text };
  }
  const text = toSortedPrettyJson(new Map([...merged, ["installed_at", facts.installedAt]]));
  return planned(files, { path: MARKER, action: files.kind(MARKER) === "nothing" ? "create" : "update", text });
}

/** An unreadable marker counts as absent; opening the repository has said so. */
function readMarker(files: TextFiles): { text: string; value: ExactObject } | undefined {
  const text = files.read(MARKER);
  if (text === undefined) return undefined;
  try {
    return { text, value: parseExactObject(text) };
  } catch {
    // Not an object of JSON: a new marker is written in its place.
    return undefined;
  }
}

function planBlock(files: TextFiles, path: string, lines: readonly string[]): PlannedFile {
  checkFolders(files, path);
  const before = files.read(path);
  const { text, changed } = mergeManagedBlock(path, before ?? "", lines);
  if (!changed) return { path, action: "identical", text };
  return planned(files, { path, action: before === undefined ? "create" : "update", text });
}

/** Makes sure that the file can be written, before anything is. */
export function planned(files: TextFiles, file: PlannedFile): PlannedFile {
  if (files.isWritable(file.path)) return file;
  throw new AexpError(`${JSON.stringify(file.path)} cannot be written: its folder is read-only. Nothing was changed`, {
    code: "environment.read_only",
    hint: "Check the permissions of the folder and of the file system.",
  });
}

/** Refuses a path that would need a folder where something else is, or a file where a folder is. */
function checkFolders(files: TextFiles, path: string): void {
  const parts = path.split("/");
  for (let count = 1; count < parts.length; count += 1) {
    const folder = parts.slice(0, count).join("/");
    const kind = files.kind(folder);
    if (kind === "nothing") return;
    if (kind !== "folder") throw blocked(folder, kind === "link" ? "a symbolic link" : "not a folder", "folder");
  }
  if (files.kind(path) === "folder") throw blocked(path, "a folder", "file");
}

function blocked(path: string, found: string, wanted: string): AexpError {
  return new AexpError(`${JSON.stringify(path)} is ${found}; expected a ${wanted}. Nothing was changed`, {
    code: "install.path_blocked",
    hint: `Move it away, then run \`aexp install\` again.`,
  });
}

/** Tells which scaffold is installed: it changes when a version of aexp installs other lines or folders. */
function scaffoldSha(): string {
  return hash(
    "sha256",
    JSON.stringify([ignoreLines("RUNS"), ATTRIBUTE_LINES, NOTE_FOLDERS, SPECIAL_NOTE_TEXTS]),
    "hex",
  );
}
