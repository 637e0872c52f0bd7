import { relative } from "node:path";

import { KB_FOLDER } from "../kb/kb-store.ts";
import type { LedgerRead } from "../ledger/ledger-store.ts";
import type { Issue } from "../model/issue.ts";
import type { RunRead } from "../run/run-store.ts";
import type { CheckedNotes } from "./check-notes.ts";
import { CitationBook } from "./citation-book.ts";
import { Collector } from "./collector.ts";
import type { CheckOptions, RuleContext, Sources } from "./context.ts";
import { judgeCitations } from "./judge-citations.ts";
import { joinRuns, type Sighting } from "./join.ts";
import { ENTRY_RULES } from "./rules/ledger/index.ts";
import { RUN_RULES } from "./rules/run/index.ts";

/** What a validation found, and how much it looked at. */
export interface Validation {
  readonly issues: readonly Issue[];
  readonly checked: {
    readonly runs: number;
    readonly entries: number;
    readonly findings: number;
    /** Notes of the research graph; the findings are among them. */
    readonly notes: number;
  };
}

const NO_NOTES: CheckedNotes = {
  count: 0,
  findingCount: 0,
  findings: [],
  experiments: { isKept: false, byId: () => [] },
};

/**
 * Carries out every check of the scope. Findings come first, because they say what to look for; then runs and entries
 * go by one at a time, and only what a finding cites is kept.
 */
export async function checkRepository(sources: Sources, options: CheckOptions): Promise<Validation> {
  const check = new Check(sources, options);
  return check.run();
}

class Check {
  readonly #sources: Sources;
  readonly #options: CheckOptions;
  readonly #issues: Collector;
  readonly #counts = { runs: 0, entries: 0, findings: 0, notes: 0 };
  /** Whether a run that is nowhere is nowhere indeed: every authority could be read to its end. */
  #isComplete = true;
  #hasAuthority = false;

  constructor(sources: Sources, options: CheckOptions) {
    this.#sources = sources;
    this.#options = options;
    this.#issues = new Collector(options.isSelected);
  }

  async run(): Promise<Validation> {
    const { scope, strictness, onProgress } = this.#options;
    const isRunScope = scope !== "kb";
    // Git works beside us while the files are read.
    const uncommitted = isRunScope ? this.#startUncommitted() : undefined;
    const { findings, experiments } = await this.#readNotes();
    const book = new CitationBook(findings);
    const context = { ...this.#sources, ...this.#options, experiments };
    let done = 0;
    this.#readRuns((sighting) => {
      book.see(sighting);
      if (isRunScope) this.#judge(sighting, context);
      onProgress?.((done += 1));
    });
    this.#readIndexes(book);
    judgeCitations(findings, book, this.#issues, {
      strictness,
      isComplete: this.#isComplete,
      hasAuthority: this.#hasAuthority,
    });
    await uncommitted;
    return { issues: this.#issues.finish(), checked: this.#counts };
  }

  /** The modules that read notes are only loaded where there are notes. */
  async #readNotes(): Promise<CheckedNotes> {
    const { scope, isSelected, isNamed } = this.#options;
    const { notes } = this.#sources;
    if (!notes.exists()) {
      // A folder that is simply not there is no problem.
      const { problems } = notes.list(KB_FOLDER, "flat");
      for (const { path, problem } of problems) this.#issues.add("kb.filesystem", problem, path);
      return NO_NOTES;
    }
    try {
      if (scope === "runs") {
        const { readExperiments } = await import("./experiments.ts");
        return { ...NO_NOTES, experiments: await readExperiments(notes, this.#issues) };
      }
      const { checkNotes } = await import("./check-notes.ts");
      const checked = await checkNotes(notes, this.#issues, { isSelected, isNamed });
      this.#counts.notes = checked.count;
      this.#counts.findings = checked.findingCount;
      return checked;
    } catch (error) {
      this.#issues.fail("reading the notes", error, KB_FOLDER);
      return NO_NOTES;
    }
  }

  #readRuns(see: (sighting: Sighting) => void): void {
    const { runs, ledger } = this.#sources;
    const locals = this.#guarded("reading the run store", this.#pathOf(runs.path), () => {
      if (!runs.exists()) return [];
      this.#hasAuthority = true;
      return runs.readAll();
    });
    const entries = this.#guarded("reading the ledger", this.#pathOf(ledger.path), () => ledger.readAll());
    for (const sighting of joinRuns(this.#counted(locals, "runs"), this.#counted(entries, "entries"))) {
      if (sighting.entry?.kind === "entry") this.#hasAuthority = true;
      see(sighting);
    }
  }

  #judge({ local, entry }: Sighting, context: RuleContext): void {
    if (local !== undefined) this.#judgeRun(local, entry, context);
    if (entry !== undefined) this.#judgeEntry(entry, local, context);
  }

  #judgeRun(local: RunRead, entry: LedgerRead | undefined, context: RuleContext): void {
    if (local.kind === "unreadable") {
      this.#issues.add("run.unreadable_document", local.problem, this.#pathOf(local.file));
      return;
    }
    const path = this.#pathOf(this.#sources.runs.workspaceOf(local.run.jobId));
    if (!this.#options.isSelected(path)) return;
    for (const { code, check } of RUN_RULES) {
      this.#issues.ask(code, () => check({ run: local.run, entry }, context), path);
    }
  }

  #judgeEntry(entry: LedgerRead, local: RunRead | undefined, context: RuleContext): void {
    const folder = this.#pathOf(this.#sources.ledger.path);
    if (entry.kind === "malformed") {
      const code = entry.cause === "conflict_markers" ? "ledger.conflict_markers" : "ledger.malformed";
      const hint = entry.cause === "conflict_markers" ? ": run `aexp ledger resolve`" : "";
      this.#issues.add(code, `${entry.problem}${hint}`, `${folder}/${entry.file}`);
      return;
    }
    const { record, text } = entry;
    const path = `${folder}/${record.jobId}.json`;
    if (!this.#options.isSelected(path)) return;
    for (const { code, check } of ENTRY_RULES) {
      this.#issues.ask(code, () => check({ record, text, local }, context), path);
    }
  }

  #readIndexes(book: CitationBook): void {
    const { runsIndex } = this.#sources;
    const folder = this.#pathOf(runsIndex.path);
    for (const read of this.#guarded("reading the runs indexes", folder, () => runsIndex.readAll())) {
      if (read.kind === "malformed") this.#issues.add("index.malformed", read.problem, `${folder}/${read.file}`);
      else {
        if (read.index.entries.length > 0) this.#hasAuthority = true;
        book.seeElsewhere(read.index);
      }
    }
  }

  async #startUncommitted(): Promise<void> {
    const { ledger, uncommittedEntries } = this.#sources;
    const path = this.#pathOf(ledger.path);
    // Without entries there is nothing to ask git about, and starting it takes longer than everything else.
    if (!this.#hasEntryFiles()) return;
    try {
      const { length: count } = await uncommittedEntries();
      if (count === 0) return;
      const subject = count === 1 ? "1 entry is" : `${count} entries are`;
      this.#issues.add(
        "ledger.uncommitted",
        {
          message: `${subject} not committed, so other machines cannot see them: run \`aexp sync\``,
          detail: { count },
        },
        path,
      );
    } catch (error) {
      this.#issues.fail("the check ledger.uncommitted", error, path);
    }
  }

  #hasEntryFiles(): boolean {
    try {
      return this.#sources.ledger.listJobIds().length > 0;
    } catch {
      // Reading the entries fails in the same way, and that is told.
      return false;
    }
  }

  /** What a source gives until it fails; the failure is told, and "not found" means nothing any more. */
  *#guarded<T>(what: string, path: string, open: () => Iterable<T>): Generator<T> {
    try {
      yield* open();
    } catch (error) {
      this.#isComplete = false;
      this.#issues.fail(what, error, path);
    }
  }

  *#counted<T>(items: Iterable<T>, name: "runs" | "entries"): Generator<T> {
    for (const item of items) {
      this.#counts[name] += 1;
      yield item;
    }
  }

  #pathOf(absolute: string): string {
    return relative(this.#sources.root, absolute).replaceAll("\\", "/");
  }
}
