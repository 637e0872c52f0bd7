import { relative } from "node:path";

import { type Finding, toFinding } from "../kb/finding.ts";
import type { NoteStore } from "../kb/kb-store.ts";
import { parseNote } from "../kb/note.ts";
import type { LedgerRead } from "../ledger/ledger-store.ts";
import type { Issue } from "../model/issue.ts";
import type { RunRead } from "../run/run-store.ts";
import { CitationBook } from "./citation-book.ts";
import { Collector } from "./collector.ts";
import type { CheckOptions, RuleContext, Sources } from "./context.ts";
import { type Experiments, NO_EXPERIMENTS, readExperiments } from "./experiments.ts";
import { judgeCitations } from "./judge-citations.ts";
import { joinRuns, type Sighting } from "./join.ts";
import { ENTRY_RULES } from "./rules/ledger/index.ts";
import { RUN_RULES } from "./rules/run/index.ts";

/** What a validation found, and how much it looked at. */
export interface Validation {
  readonly issues: readonly Issue[];
  readonly checked: { readonly runs: number; readonly entries: number; readonly findings: number };
}

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
  readonly #counts = { runs: 0, entries: 0, findings: 0 };
  /** Whether a run that is nowhere is nowhere indeed: every authority could be read to its end. */
  #isComplete = true;
  #hasAuthority = false;

  constructor(sources: Sources, options: CheckOptions) {
    this.#sources = sources;
    this.#options = options;
    this.#issues = new Collector(options.isSelected);
  }

  async run(): Promise<Validation> {
    const { scope, strictness } = this.#options;
    const isRunScope = scope !== "kb";
    // Git works beside us while the files are read.
    const uncommitted = isRunScope ? this.#startUncommitted() : undefined;
    const findings = scope === "runs" ? [] : await this.#readFindings();
    const book = new CitationBook(findings);
    const context = { ...this.#sources, ...this.#options, experiments: await this.#readExperiments(isRunScope) };
    this.#readRuns((sighting) => {
      book.see(sighting);
      if (isRunScope) this.#judge(sighting, context);
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

  async #readFindings(): Promise<readonly Finding[]> {
    const { notes } = this.#sources;
    const findings: Finding[] = [];
    for (const name of this.#listNotes(notes)) {
      const path = `kb/research/findings/${name}`;
      if (!this.#options.isSelected(path)) continue;
      this.#counts.findings += 1;
      const file = notes.read("research/findings", name);
      if (file.kind === "unreadable") {
        this.#issues.add("finding.unreadable", file.problem, path);
        continue;
      }
      const read = await parseNote(file.text);
      if (read.kind === "note") findings.push(toFinding(path, read.note));
      else {
        const { message, line, column } = read.problem;
        this.#issues.add("finding.unreadable", { message: `${message} (line ${line}, column ${column})`, line }, path);
      }
    }
    return findings;
  }

  #listNotes(notes: NoteStore): readonly string[] {
    try {
      return notes.list("research/findings").filter((name) => name.startsWith("F"));
    } catch (error) {
      this.#issues.fail("reading the findings", error, "kb/research/findings");
      return [];
    }
  }

  async #readExperiments(isNeeded: boolean): Promise<Experiments> {
    if (!isNeeded) return NO_EXPERIMENTS;
    try {
      return await readExperiments(this.#sources.notes);
    } catch (error) {
      this.#issues.fail("reading the experiments", error, "kb/research/experiments");
      return NO_EXPERIMENTS;
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
