import { existsSync, lstatSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

import { AexpError, messageOf, systemErrorCode } from "../../model/errors.ts";
import { type Exact, type ExactObject, toExact, toPlain, toPythonJson } from "../../model/exact-json.ts";
import { parseExactObject } from "../../model/exact-json-reader.ts";
import { explainWriteFailure, flushFileSystem, writeFileAtomically } from "../../platform/atomic-write.ts";
import { type HeldLock, withLockFile } from "../../platform/lock-file.ts";
import { readTextFile } from "../../platform/read-file.ts";
import { type DocumentPatch, EMPTY_DOCUMENT, type RunDocument, toRunDocument } from "../document.ts";
import { isJobId, type JobId, parseJobId, toJobId } from "../job-id.ts";
import type { DocumentChange, NewRun, RunRead, RunStore, StoredRun } from "../run-store.ts";
import { checkSignacKeys, toSignacKeys } from "../signac-keys.ts";
import { checkProjectConfig, PROJECT_CONFIG } from "./project-config.ts";
import {
  DOCUMENT_FILE,
  placeRun,
  placeRunQuickly,
  removeLeftovers,
  removeOldTemporaries,
  removeUntouchedRun,
  type RunTexts,
  STATE_POINT_FILE,
} from "./run-folder.ts";

/** The largest state point or document that is read. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** How long a writer waits for the other writers of the same document. */
const LOCK_WAIT_MS = 30_000;

/** A run store on disk: a signac 2 project, which Python's signac may read and write at the same time. */
export class FsRunStore implements RunStore {
  readonly path: string;
  readonly #workspace: string;
  #isSwept = false;
  /** Documents written since the last flush. */
  #unflushed: string[] = [];

  constructor(path: string) {
    this.path = path;
    this.#workspace = join(path, "workspace");
  }

  exists(): boolean {
    return checkProjectConfig(this.path);
  }

  async initialize(): Promise<void> {
    if (!this.exists()) {
      try {
        mkdirSync(join(this.path, ".signac"), { recursive: true });
      } catch (error) {
        throw explainWriteFailure(error, this.path);
      }
      await writeFileAtomically(join(this.path, ".signac", "config"), PROJECT_CONFIG);
    }
    mkdirSync(this.#workspace, { recursive: true });
  }

  listJobIds(): readonly JobId[] {
    try {
      return readdirSync(this.#workspace, { withFileTypes: true })
        .flatMap((entry) => (isJobId(entry.name) && entry.isDirectory() ? [entry.name] : []))
        .toSorted();
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return [];
      throw error;
    }
  }

  *readAll(): Generator<RunRead> {
    for (const jobId of this.listJobIds()) yield this.#readOne(jobId);
  }

  has(jobId: JobId): boolean {
    return lstatSync(this.workspaceOf(jobId), { throwIfNoEntry: false })?.isDirectory() === true;
  }

  newestJobId(): JobId | undefined {
    let newest: JobId | undefined;
    let newestTime = -1n;
    for (const jobId of this.listJobIds()) {
      // A state point is written once, so its time is the run's birth.
      const file = join(this.workspaceOf(jobId), STATE_POINT_FILE);
      const time = statSync(file, { throwIfNoEntry: false, bigint: true })?.mtimeNs ?? -1n;
      if (time > newestTime) [newest, newestTime] = [jobId, time];
    }
    return newest;
  }

  read(jobId: JobId): StoredRun {
    this.#checkPresent(jobId);
    const statePoint = this.#readStatePoint(jobId);
    return { jobId, statePoint, document: this.#readDocument(jobId) };
  }

  readExact(jobId: JobId): { readonly statePoint: ExactObject; readonly document: ExactObject } {
    this.#checkPresent(jobId);
    return { statePoint: this.#readStatePoint(jobId), document: this.#readExactDocument(jobId) };
  }

  readStatePoint(jobId: JobId): ExactObject {
    this.#checkPresent(jobId);
    return this.#readStatePoint(jobId);
  }

  readExactDocument(jobId: JobId): ExactObject {
    this.#checkPresent(jobId);
    return this.#readExactDocument(jobId);
  }

  #readExactDocument(jobId: JobId): ExactObject {
    const text = this.#readDocumentText(jobId);
    if (text === undefined) return new Map();
    try {
      return parseExactObject(text);
    } catch (error) {
      throw unreadableDocument(jobId, error);
    }
  }

  async create(
    statePoint: ExactObject,
    document: DocumentPatch,
  ): Promise<{ readonly jobId: JobId; readonly isNew: boolean }> {
    checkSignacKeys(statePoint);
    const jobId = toJobId(statePoint);
    await this.#prepare();
    try {
      const isNew = await placeRun(this.workspaceOf(jobId), toTexts(statePoint, document));
      return { jobId, isNew };
    } catch (error) {
      throw explainWriteFailure(error, this.workspaceOf(jobId));
    }
  }

  async createAll(runs: readonly NewRun[]): Promise<readonly boolean[]> {
    for (const { statePoint } of runs) checkSignacKeys(statePoint);
    await this.#prepare();
    const created: JobId[] = [];
    const isNew: boolean[] = [];
    try {
      mkdirSync(this.#workspace, { recursive: true });
      for (const { jobId, statePoint, document } of runs) {
        isNew.push(await placeRunQuickly(this.workspaceOf(jobId), toTexts(statePoint, document)));
        if (isNew.at(-1) === true) created.push(jobId);
      }
      await flushFileSystem(this.#workspace, () => created.flatMap((jobId) => filesOf(this.workspaceOf(jobId))));
      return isNew;
    } catch (error) {
      this.removeUntouched(created);
      throw explainWriteFailure(error, this.#workspace);
    }
  }

  removeUntouched(jobIds: readonly JobId[]): void {
    for (const jobId of jobIds) removeUntouchedRun(this.workspaceOf(jobId));
  }

  async #prepare(): Promise<void> {
    if (!this.exists()) await this.initialize();
    if (!this.#isSwept) removeOldTemporaries(this.#workspace);
    this.#isSwept = true;
  }

  async updateDocument(
    jobId: JobId,
    change: DocumentChange,
    durability: "each" | "later" = "each",
  ): Promise<RunDocument> {
    this.#checkPresent(jobId);
    const locks = this.#lockFolder();
    const write = async (lock: HeldLock): Promise<RunDocument> => {
      if (lock.wasAbandoned) removeLeftovers(this.workspaceOf(jobId));
      const current = this.readExactDocument(jobId);
      const before = toRunDocument(toPlain(current));
      const patch = await change(before);
      if (patch === undefined) return before;
      const after = applyPatch(current, patch);
      if (!lock.isHeld()) throw lockedError(jobId);
      const file = join(this.workspaceOf(jobId), DOCUMENT_FILE);
      await writeFileAtomically(file, toPythonJson(after), { durability, isReplacement: true });
      if (durability === "later") this.#unflushed.push(file);
      return toRunDocument(toPlain(after));
    };
    const outcome = await withLockFile(join(locks, jobId), LOCK_WAIT_MS, write, { isFrequent: true });
    if (outcome === undefined) throw lockedError(jobId);
    return outcome.result;
  }

  #lockFolder(): string {
    const locks = join(this.path, ".aexp", "locks");
    try {
      if (!existsSync(locks)) mkdirSync(locks, { recursive: true });
    } catch (error) {
      throw explainWriteFailure(error, locks);
    }
    return locks;
  }

  async flush(): Promise<void> {
    const files = this.#unflushed;
    this.#unflushed = [];
    if (files.length > 0) await flushFileSystem(this.#workspace, () => files);
  }

  workspaceOf(jobId: JobId): string {
    // Callers without a type checker (scripts, tests) must not get out of the workspace either.
    return join(this.#workspace, parseJobId(jobId));
  }

  #readOne(jobId: JobId): RunRead {
    let file = STATE_POINT_FILE;
    try {
      const statePoint = this.#readStatePoint(jobId);
      file = DOCUMENT_FILE;
      return { kind: "run", run: { jobId, statePoint, document: this.#readDocument(jobId) } };
    } catch (error) {
      return { kind: "unreadable", jobId, file: join(this.workspaceOf(jobId), file), problem: problemOf(error) };
    }
  }

  #readStatePoint(jobId: JobId): ExactObject {
    try {
      return parseExactObject(readTextFile(`${this.#workspace}/${jobId}/${STATE_POINT_FILE}`, MAX_FILE_BYTES));
    } catch (error) {
      throw new AexpError(`the state point of run ${jobId} cannot be read: ${problemOf(error)}`, {
        code: "run.corrupt",
        hint: `Look at ${join(this.workspaceOf(jobId), STATE_POINT_FILE)}.`,
        cause: error,
      });
    }
  }

  #readDocument(jobId: JobId): RunDocument {
    const text = this.#readDocumentText(jobId);
    if (text === undefined) return EMPTY_DOCUMENT;
    try {
      const value = parseDocument(text);
      if (typeof value === "object" && value !== null && !Array.isArray(value)) return toRunDocument(value);
      throw new AexpError("the document is not an object", { code: "file.not_json" });
    } catch (error) {
      throw unreadableDocument(jobId, error);
    }
  }

  #readDocumentText(jobId: JobId): string | undefined {
    try {
      return readTextFile(`${this.#workspace}/${jobId}/${DOCUMENT_FILE}`, MAX_FILE_BYTES);
    } catch (error) {
      // A run has no document until the first write to it.
      if (systemErrorCode(error) === "ENOENT") return undefined;
      throw unreadableDocument(jobId, error);
    }
  }

  #checkPresent(jobId: JobId): void {
    if (this.has(jobId)) return;
    throw new AexpError(`there is no run ${jobId} in ${JSON.stringify(this.path)}`, {
      code: "run.not_found",
      hint: "`aexp runs list --local` lists the runs of this machine.",
    });
  }
}

function toTexts(statePoint: ExactObject, document: DocumentPatch): RunTexts {
  return { statePoint: toPythonJson(statePoint), document: toPythonJson(applyPatch(new Map(), document)) };
}

function filesOf(folder: string): readonly string[] {
  return [join(folder, STATE_POINT_FILE), join(folder, DOCUMENT_FILE)];
}

/** Several times faster than the exact parser, which takes over for the numbers that only Python writes. */
function parseDocument(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // NaN and Infinity, or no JSON at all: the exact parser knows which, and where.
    return toPlain(parseExactObject(text));
  }
}

/** Keys keep their places, new ones go last, as in signac. */
function applyPatch(current: ExactObject, patch: DocumentPatch): ExactObject {
  const next = new Map<string, Exact>(current);
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) next.delete(key);
    else next.set(key, toSignacKeys(toExact(value)));
  }
  return next;
}

function unreadableDocument(jobId: JobId, error: unknown): AexpError {
  if (error instanceof AexpError && error.code === "run.document_unreadable") return error;
  return new AexpError(`the document of run ${jobId} cannot be read: ${problemOf(error)}`, {
    code: "run.document_unreadable",
    hint: "Repair or remove the file signac_job_document.json of the run.",
    cause: error,
  });
}

function lockedError(jobId: JobId): AexpError {
  return new AexpError(
    `the document of run ${jobId} is locked: other processes kept writing it for ${LOCK_WAIT_MS / 1000} s. Nothing was changed`,
    { code: "run.locked", hint: "Try again." },
  );
}

function problemOf(error: unknown): string {
  return systemErrorCode(error) === "ENOENT" ? "the file is missing" : messageOf(error);
}
