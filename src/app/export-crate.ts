import { createHash } from "node:crypto";

import { CrateGraph, type CrateFile, type CrateLicense, type CrateNote } from "../export/crate-graph.ts";
import { entryPath } from "../export/crate-run.ts";
import type { ExportFolder } from "../export/export-folder.ts";
import { toRepositoryUrl } from "../export/repository-url.ts";
import { readNote } from "../kb/knowledge-base.ts";
import { folderOf } from "../kb/note-place.ts";
import { toInstant } from "../model/clock.ts";
import { type ExportJob, type FormatOutcome, noRuns, orWarn } from "./export-job.ts";
import { type NoteRow, toNoteRow } from "./list-notes.ts";
import { readExportedRun } from "./read-exported-run.ts";

/** What the user says of a crate. */
export interface CrateRequest {
  /** An address, or words; the license file of the repository where absent. */
  readonly license?: string | undefined;
  /** The text of the license file at the root of the repository. */
  readonly findLicense: () => string | undefined;
  /** The name of the crate; made from that of the repository where absent. */
  readonly title?: string | undefined;
  /** Of this program. */
  readonly version: string;
}

/** Lines of the graph, until they are put into the metadata file. */
const PART = "graph.part";
const LICENSE_PATH = "LICENSE";
/** Kinds of notes that runs are part of, or that these rest on. */
const KINDS = ["thread", "hypothesis", "experiment", "finding"] as const;
const CHUNK_LENGTH = 64 * 1024;

/** Writes a crate: the metadata file, the license, and the ledger entries of the runs. */
export async function exportCrate(job: ExportJob, folder: ExportFolder, request: CrateRequest): Promise<FormatOutcome> {
  const { repo, clean, selected } = job;
  const codeRepository = toRepositoryUrl(await repo.git.configValue("remote.origin.url"));
  const name = request.title ?? `Runs of ${nameOf(codeRepository ?? repo.root)}`;
  const graph = new CrateGraph({
    name: clean.text(name),
    description:
      "Experiment runs from an aexp ledger: parameters, code, times, outcomes and metrics of each, the entries of the " +
      "ledger as files, and the notes that rest on them.",
    datePublished: toInstant(repo.clock.nowMs()),
    license: toLicense(folder, request),
    codeRepository,
    version: request.version,
  });
  let [runs, kept, lines] = [0, 0, ""];
  for (const row of selected.rows(job.onProgress)) {
    const read = orWarn(job, row.jobId, () => readExportedRun(repo, row, { clean, citedBy: selected.citedBy(row) }));
    if (read !== undefined) {
      const entry = copyEntry(job, folder, row.jobId, read.entryText);
      if (read.entryText !== undefined && entry === undefined) kept += 1;
      lines += graph.addRun(read.run, entry);
      runs += 1;
    }
    if (lines.length >= CHUNK_LENGTH) {
      folder.append(PART, lines);
      lines = "";
    }
    await job.pause();
  }
  if (runs === 0) throw noRuns();
  folder.append(PART, lines);
  const notes = await readNotes(job, graph.noteIds);
  folder.assemble("ro-crate-metadata.json", graph.head(notes), PART, graph.tail(notes));
  return { runs, notes: kept === 0 ? [] : [`${kept} ledger entries name folders of this machine and are not copied`] };
}

/** Copies an entry byte for byte, so that its id can be recomputed; one that would leak stays here. */
function copyEntry(
  { clean }: ExportJob,
  folder: ExportFolder,
  jobId: string,
  text: string | undefined,
): CrateFile | undefined {
  if (text === undefined || clean.text(text) !== text) return undefined;
  folder.write(entryPath(jobId), text);
  return toCrateFile(text);
}

function toCrateFile(text: string): CrateFile {
  return { bytes: new TextEncoder().encode(text).length, sha256: createHash("sha256").update(text).digest("hex") };
}

function toLicense(folder: ExportFolder, { license, findLicense }: CrateRequest): CrateLicense {
  if (license !== undefined) {
    return /^https?:\/\/\S+$/.test(license) ? { kind: "url", url: license } : { kind: "text", text: license };
  }
  const text = findLicense();
  if (text === undefined) return { kind: "text", text: "No license is stated; ask the authors before using it." };
  folder.write(LICENSE_PATH, text);
  return { kind: "file", path: LICENSE_PATH, ...toCrateFile(text) };
}

/** The last word of an address or path. */
function nameOf(place: string): string {
  return /([^/\\]+)[/\\]*$/.exec(place)?.[1] ?? "a repository";
}

/** The notes that the runs name, and what these rest on. Two notes with one id are told as the first of them. */
async function readNotes({ repo, clean }: ExportJob, ids: readonly string[]): Promise<readonly CrateNote[]> {
  const known = new Map<string, NoteRow>();
  for (const path of KINDS.flatMap((kind) => repo.notes.list(folderOf(kind), "flat").files)) {
    const note = await readNote(repo.notes, path);
    if (note.type === "artifact" && !known.has(note.id)) known.set(note.id, toNoteRow(note));
  }
  const wanted = new Set(ids);
  // A set grows while it is walked through, so that parents of parents come along.
  for (const id of wanted) for (const parent of Object.values(known.get(id)?.parents ?? {})) wanted.add(parent);
  return [...wanted].toSorted().map((id): CrateNote => {
    const row = known.get(id);
    if (row === undefined) return { id, kind: "note", title: "not in the knowledge base", parents: [] };
    const { kind, title, status, parents } = row;
    return { id, kind, title: clean.text(title), status, parents: Object.values(parents) };
  });
}
