import { codeEntityId, entryPath, machineEntityId, runEntityId, toRunEntities } from "./crate-run.ts";
import { type CrateEntity, localId, refer, referAll, toEntityLine } from "./crate-entity.ts";
import { codeOfRun, type ExportedRun } from "./exported-run.ts";

/** The specification of RO-Crate that the crate follows. */
const CRATE_VERSION = "https://w3id.org/ro/crate/1.1";
/** Terms that version 1.1 does not define, with their address in schema.org. */
const OWN_TERMS = { sha256: "http://schema.org/sha256" };

/** A note of the knowledge base, as a crate tells of it. */
export interface CrateNote {
  /** `E001`. */
  readonly id: string;
  readonly kind: string;
  readonly title: string;
  readonly status?: string | undefined;
  /** Ids of notes that it rests on. */
  readonly parents: readonly string[];
}

/** What the whole crate says of itself. */
export interface CrateFacts {
  readonly name: string;
  readonly description: string;
  /** ISO 8601. */
  readonly datePublished: string;
  readonly license: CrateLicense;
  /** Where the code lives, when that is an address that others can use. */
  readonly codeRepository: string | undefined;
  readonly version: string;
}

/** How the crate may be used: an address, a file of the crate, or words. */
export type CrateLicense =
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "file"; readonly path: string; readonly bytes: number; readonly sha256: string }
  | { readonly kind: "text"; readonly text: string };

/** A file that was copied into the crate. */
export interface CrateFile {
  readonly bytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
}

/**
 * The `@graph` of a crate, built while its runs pass: {@link addRun} returns the lines of one run, and the rest, which
 * needs to know them all, is in {@link head} and {@link tail}. Only ids are kept.
 *
 * Source of the format: RO-Crate 1.1 (https://w3id.org/ro/crate/1.1).
 */
export class CrateGraph {
  readonly #facts: CrateFacts;
  readonly #runs: string[] = [];
  readonly #files: string[] = [];
  readonly #machines = new Set<string>();
  readonly #code = new Map<string, CrateEntity>();
  readonly #runsOfNote = new Map<string, string[]>();

  constructor(facts: CrateFacts) {
    this.#facts = facts;
  }

  /** Ids of the experiments, hypotheses and findings that the runs so far name. */
  get noteIds(): readonly string[] {
    return [...this.#runsOfNote.keys()];
  }

  /** Lines of the graph for a run, each ending with a comma. @param entry the ledger entry that the crate holds */
  addRun(run: ExportedRun, entry: CrateFile | undefined): string {
    this.#runs.push(run.jobId);
    this.#machines.add(run.machine);
    this.#addCode(run);
    for (const note of [run.experimentId, run.hypothesisId, run.subHypothesisId, ...run.citedBy]) {
      if (note === undefined) continue;
      const runs = this.#runsOfNote.get(note);
      if (runs === undefined) this.#runsOfNote.set(note, [run.jobId]);
      else if (runs.at(-1) !== run.jobId) runs.push(run.jobId);
    }
    const entities = [...toRunEntities(run, entry !== undefined)];
    if (entry !== undefined) {
      this.#files.push(entryPath(run.jobId));
      entities.push(toFile(entryPath(run.jobId), `Ledger entry of run ${run.jobId}`, "application/json", entry));
    }
    return entities.map((entity) => `    ${toEntityLine(entity)},\n`).join("");
  }

  /** The beginning of the metadata file, to be asked for when all runs have passed. */
  head(notes: readonly CrateNote[]): string {
    const { license } = this.#facts;
    const context = ["https://w3id.org/ro/crate/1.1/context", OWN_TERMS];
    const entities = [this.#descriptor(), this.#root(notes), ...licenseEntities(license)];
    const lines = entities.map((entity) => `    ${toEntityLine(entity)},\n`).join("");
    return `{\n  "@context": ${JSON.stringify(context)},\n  "@graph": [\n${lines}`;
  }

  /** What follows the lines of the runs. */
  tail(notes: readonly CrateNote[]): string {
    const known = new Set(notes.map(({ id }) => id));
    const entities: readonly CrateEntity[] = [
      ...notes.map((note) => this.#note(note, known)),
      ...this.#code.values(),
      ...[...this.#machines].map((machine) => toMachine(machine)),
      { "@id": "#aexp", "@type": "SoftwareApplication", name: "aexp", version: this.#facts.version },
    ];
    return `${entities.map((entity) => `    ${toEntityLine(entity)}`).join(",\n")}\n  ]\n}\n`;
  }

  #descriptor(): CrateEntity {
    return {
      "@id": "ro-crate-metadata.json",
      "@type": "CreativeWork",
      conformsTo: refer(CRATE_VERSION),
      about: refer("./"),
      creator: refer("#aexp"),
    };
  }

  #root(notes: readonly CrateNote[]): CrateEntity {
    const { name, description, datePublished, license } = this.#facts;
    const files = license.kind === "file" ? [...this.#files, license.path] : this.#files;
    return {
      "@id": "./",
      "@type": "Dataset",
      name,
      description,
      datePublished,
      license: licenseValue(license),
      hasPart: referAll(files),
      mentions: referAll([...notes.map(({ id }) => localId(id)), ...this.#runs.map(runEntityId)]),
    };
  }

  #note({ id, kind, title, status, parents }: CrateNote, known: ReadonlySet<string>): CrateEntity {
    return {
      "@id": localId(id),
      "@type": "CreativeWork",
      name: `${id}: ${title}`,
      identifier: id,
      additionalType: kind,
      creativeWorkStatus: status,
      isBasedOn: referAll(parents.filter((parent) => known.has(parent)).map((parent) => localId(parent))),
      mentions: referAll((this.#runsOfNote.get(id) ?? []).map(runEntityId)),
    };
  }

  #addCode(run: ExportedRun): void {
    const id = codeEntityId(run);
    const { commit, isDirty } = codeOfRun(run);
    if (id === undefined || commit === undefined || this.#code.has(id)) return;
    this.#code.set(id, {
      "@id": id,
      "@type": "SoftwareSourceCode",
      name: `The code at commit ${commit.slice(0, 12)}${isDirty ? ", with changes that were not committed" : ""}`,
      version: commit,
      codeRepository: this.#facts.codeRepository,
    });
  }
}

function toMachine(machine: string): CrateEntity {
  return {
    "@id": machineEntityId(machine),
    "@type": "IndividualProduct",
    name: machine,
    description: "The machine that registered the run, by the label that its user gave it.",
  };
}

function toFile(path: string, name: string, encodingFormat: string, { bytes, sha256 }: CrateFile): CrateEntity {
  return { "@id": path, "@type": "File", name, encodingFormat, contentSize: String(bytes), sha256 };
}

function licenseValue(license: CrateLicense): CrateEntity[string] {
  if (license.kind === "text") return license.text;
  return refer(license.kind === "url" ? license.url : license.path);
}

function licenseEntities(license: CrateLicense): readonly CrateEntity[] {
  if (license.kind === "text") return [];
  if (license.kind === "file") return [toFile(license.path, "License", "text/plain", license)];
  return [{ "@id": license.url, "@type": "CreativeWork", name: license.url, identifier: license.url }];
}
