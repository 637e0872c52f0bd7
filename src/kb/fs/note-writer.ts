import { hash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

import type { NoteIds } from "../../generated/note-ids.ts";
import { AexpError, systemErrorCode } from "../../model/errors.ts";
import { explainWriteFailure, flushFolder, writeFileAtomically } from "../../platform/atomic-write.ts";
import type { NoteChange } from "../kb-store.ts";
import { idsAfter, type NoteJournal, parseJournal, parseNoteIds } from "../note-journal.ts";

/** A change with what it replaces. */
interface Step extends NoteChange {
  readonly before: string | undefined;
}

/**
 * Writes several notes as one change. While it is under way a journal holds the new texts: a failure puts the old ones
 * back, and what a killed process left half done is finished by the next writer. All methods but `readIds` need the lock.
 */
export class NoteWriter {
  readonly #root: string;
  readonly #readText: (path: string) => string | undefined;
  readonly #journal: string;
  readonly #ids: string;

  /** @param readText the text of a note, `undefined` when it is not there */
  constructor(root: string, readText: (path: string) => string | undefined) {
    this.#root = root;
    this.#readText = readText;
    this.#journal = join(root, ".aexp", "note-journal.json");
    this.#ids = join(root, ".aexp", "note-ids.json");
  }

  readIds(): NoteIds {
    return parseNoteIds(readIfThere(this.#ids) ?? "");
  }

  async apply(changes: readonly NoteChange[]): Promise<void> {
    const steps = changes
      .map((change): Step => ({ ...change, before: this.#readText(change.path) }))
      .filter(({ before, text }) => before !== text);
    if (steps.length === 0) return;
    // The number is taken before the note is there: a note without a taken number could be given twice.
    const ids = idsAfter(this.readIds(), steps);
    if (ids !== undefined) await writeFileAtomically(this.#ids, `${JSON.stringify(ids, null, 2)}\n`);
    if (steps.length > 1) await this.#writeJournal(steps);
    const done: Step[] = [];
    try {
      for (const step of steps) {
        done.push(step);
        await this.#write(step.path, step.text);
      }
    } catch (error) {
      for (const { path, before } of done) await this.#write(path, before);
      throw error;
    } finally {
      rmSync(this.#journal, { force: true });
    }
  }

  /** @throws {AexpError} `note.journal_broken` */
  async finishInterrupted(): Promise<void> {
    const text = readIfThere(this.#journal);
    if (text === undefined) return;
    const journal = parseJournal(text);
    if (journal === undefined) {
      throw new AexpError(`${JSON.stringify(this.#journal)} is damaged, so an interrupted change cannot be finished`, {
        code: "note.journal_broken",
        hint: "Look at the notes with `git status`, then delete that file.",
      });
    }
    for (const { path, before, text: wanted } of journal.changes) {
      // A note that was edited meanwhile is the user's.
      if (fingerprint(this.#readText(path)) === before) await this.#write(path, wanted ?? undefined);
    }
    rmSync(this.#journal, { force: true });
  }

  async #writeJournal(steps: readonly Step[]): Promise<void> {
    const journal: NoteJournal = {
      schema_version: 1,
      changes: steps.map(({ path, before, text }) => ({ path, before: fingerprint(before), text: text ?? null })),
    };
    await writeFileAtomically(this.#journal, `${JSON.stringify(journal, null, 2)}\n`);
  }

  async #write(path: string, text: string | undefined): Promise<void> {
    const absolute = join(this.#root, path);
    try {
      if (text !== undefined) {
        mkdirSync(dirname(absolute), { recursive: true });
        await writeFileAtomically(absolute, text);
        return;
      }
      rmSync(absolute, { force: true });
      await flushFolder(dirname(absolute));
    } catch (error) {
      throw explainWriteFailure(error, absolute);
    }
  }
}

function fingerprint(text: string | undefined): string | null {
  return text === undefined ? null : hash("sha256", text, "hex");
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
