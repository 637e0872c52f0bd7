import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import type { CreatedNote } from "../app/create-note.ts";
import { findNote } from "../app/find-note.ts";
import { linkNotes, type NoteLink } from "../app/link-notes.ts";
import { listNotes, type NoteRow } from "../app/list-notes.ts";
import { setNoteStatus, type StatusChange } from "../app/set-note-status.ts";
import { showNote } from "../app/show-note.ts";
import { NOTE_SHAPES, type NoteKind } from "../kb/artifact.ts";
import { BaseCommand } from "./base-command.ts";
import { checkKnown, LIST_FLAGS } from "./list-flags.ts";
import { type NoteDetailsJson, renderNoteDetails, toNoteDetailsJson } from "./render/note-details.ts";
import { NOTE_COLUMNS, renderNoteList } from "./render/note-list.ts";
import { screenOf } from "./screen.ts";

/** The title of a new note. */
export const TITLE_FLAG = Flags.string({
  summary: "One line that says what the note is about; the file is named after it.",
  helpValue: "TEXT",
  required: true,
});

/** Narrows a batch down; `of` is the flag that asks for one. */
export function selectorFlag(of: string) {
  return Flags.string({
    aliases: ["state-point"],
    summary: "Of the batch only the runs with this parameter, value and kind: 1 is not 1.0; repeat for several.",
    helpValue: "K=V",
    multiple: true,
    multipleNonGreedy: true,
    dependsOn: [of],
  });
}

/** The note that a command is about. */
export const NOTE_ARG = Args.string({ description: "Id of the note, or its file.", required: true });

/** Says which note was made, and which ones link to it now. */
export function createdLines({ id, path, linked }: CreatedNote): string {
  const links = linked.length === 0 ? "" : `\nlinked from ${linked.join(", ")}`;
  return `${id}  ${path}${links}`;
}

/** `list` of one or more kinds of notes. */
export abstract class NoteListCommand extends BaseCommand {
  static override flags = {
    status: Flags.string({ summary: "Only notes with this status; of findings, this impact.", helpValue: "WORD" }),
    tag: Flags.string({ summary: "Only notes with this tag.", helpValue: "TAG" }),
    parent: Flags.string({ summary: "Only notes below this one.", helpValue: "ID" }),
    columns: Flags.string({
      summary: `Columns to show, separated by commas: ${NOTE_COLUMNS.join(", ")}.`,
      helpValue: "A,B",
      helpGroup: "OUTPUT",
    }),
    sort: LIST_FLAGS.sort,
    limit: Flags.integer({ summary: "Show no more than this many.", helpValue: "N", min: 0, helpGroup: "OUTPUT" }),
    csv: Flags.boolean({ summary: "Print comma-separated values.", exclusive: ["json"], helpGroup: "OUTPUT" }),
  };
  abstract readonly kinds: readonly NoteKind[];

  override async run(): Promise<readonly NoteRow[]> {
    const { flags } = await this.parse(NoteListCommand);
    const words = this.kinds.flatMap((kind) => Object.values(NOTE_SHAPES[kind].vocabularies).flat());
    if (flags.status !== undefined && words.length > 0) checkKnown("status", flags.status.toUpperCase(), words);
    const repo = this.openRepo(flags);
    const rows = await listNotes(repo, { kinds: this.kinds, ...flags });
    const { shown, text } = renderNoteList(rows, flags, screenOf(this.io, this.color, repo.clock.nowMs()));
    if (!this.jsonEnabled()) this.io.stdout.write(text ?? `${this.emptyLine(flags)}\n`);
    return shown;
  }

  /** What is said instead of an empty list. */
  emptyLine(flags: {
    readonly status?: string | undefined;
    readonly tag?: string | undefined;
    readonly parent?: string | undefined;
  }): string {
    const isFiltered = flags.status !== undefined || flags.tag !== undefined || flags.parent !== undefined;
    const topic = this.id?.split(/[: ]/)[0] ?? "";
    return isFiltered ? "None matches." : `None yet. \`aexp ${topic} new --help\` says how to write one.`;
  }
}

/** `show` of a note of some kinds. */
export abstract class NoteShowCommand extends BaseCommand {
  static override args = { note: NOTE_ARG };
  abstract readonly kinds: readonly NoteKind[];

  override async run(): Promise<NoteDetailsJson> {
    const { args, flags } = await this.parse(NoteShowCommand);
    const repo = this.openRepo(flags);
    const details = await showNote(repo, args.note, this.kinds);
    this.log(renderNoteDetails(details, screenOf(this.io, this.color, repo.clock.nowMs())));
    return toNoteDetailsJson(details);
  }
}

/** `link` from a note of some kinds to any other note. */
export abstract class NoteLinkCommand extends BaseCommand {
  static override args = {
    note: NOTE_ARG,
    other: Args.string({ description: "Id of the other note, or its file.", required: true }),
  };
  abstract readonly kinds: readonly NoteKind[];

  override async run(): Promise<NoteLink> {
    const { args, flags } = await this.parse(NoteLinkCommand);
    const repo = this.openRepo(flags);
    const note = await findNote(repo, args.note, this.kinds);
    const link = await linkNotes(repo, note, await findNote(repo, args.other));
    const { parent } = link;
    if (parent !== undefined) this.log(`${parent.child} has the ${parent.field} ${parent.parent} now.`);
    this.log(
      link.changed.length === 0
        ? `${link.from} and ${link.to} link each other already; nothing was changed.`
        : `${link.from} and ${link.to} link each other; changed ${link.changed.join(", ")}.`,
    );
    return link;
  }
}

/** `set-status` of one kind of notes. */
export abstract class NoteStatusCommand extends BaseCommand {
  static override args = {
    note: NOTE_ARG,
    status: Args.string({ description: "The new status; upper and lower case are alike.", required: true }),
  };
  abstract readonly kind: NoteKind;

  override async run(): Promise<StatusChange> {
    const { args, flags } = await this.parse(NoteStatusCommand);
    const repo = this.openRepo(flags);
    const change = await setNoteStatus(repo, await findNote(repo, args.note, [this.kind]), args.status);
    this.log(statusLine(change));
    return change;
  }
}

/** `H001: PROPOSED → TESTING`. */
export function statusLine({ id, from, to, changed }: StatusChange): string {
  if (!changed) return `${id} is ${to} already; nothing was changed.`;
  return from?.toUpperCase() === to
    ? `${id} is ${to}; its conclusion was written.`
    : `${id}: ${from ?? "no status"} → ${to}`;
}
