import type { NoteKind } from "../../../kb/artifact.ts";
import type { NoteText } from "../../../kb/knowledge-base.ts";
import type { IssueCode } from "../../codes.ts";
import type { GraphNote, LinkedNotes } from "../../linked-notes.ts";
import type { Report } from "../../report.ts";

/** What the rules for notes may look at. */
export interface NoteContext {
  readonly notes: LinkedNotes;
  /** The `## ` sections that a note of this kind must have. @throws {AexpError} `template.invalid` */
  readonly headingsOf: (kind: NoteKind) => readonly string[];
  /** Whether the user named exactly this file. */
  readonly isNamed: (path: string) => boolean;
}

/** A rule for the knowledge base as a whole; each report names its path. */
export interface KbRule {
  readonly code: IssueCode;
  readonly check: (context: NoteContext) => Iterable<Report>;
}

/** A note of the graph that could be read. */
export interface NoteSubject {
  readonly note: GraphNote;
  readonly text: NoteText;
}

/** A rule for one note. */
export interface NoteRule {
  readonly code: IssueCode;
  readonly check: (subject: NoteSubject, context: NoteContext) => Iterable<Report>;
}
