import {
  type ArtifactId,
  NOTE_SHAPES,
  type NoteKind,
  numberOfId,
  SPECIAL_NOTES,
  toArtifactId,
  toSlug,
} from "../kb/artifact.ts";
import { KB_FOLDER, type NoteChange } from "../kb/kb-store.ts";
import { type ArtifactNote } from "../kb/knowledge-base.ts";
import { folderOf, identify } from "../kb/note-place.ts";
import { findSections, findWikilinks, maskInert, sectionTitled } from "../kb/markdown.ts";
import { addLinks } from "../kb/body-edit.ts";
import { appendToList, setField } from "../kb/frontmatter-edit.ts";
import { artifactIdOf, fieldOf, type Note, parseNote } from "../kb/note.ts";
import { fillTemplate, PLACEHOLDERS, type PlaceholderValues, readTemplate } from "../kb/template.ts";
import { toInstant } from "../model/clock.ts";
import { AexpError } from "../model/errors.ts";
import { editNote } from "./edit-note.ts";
import { findNote, requireText } from "./find-note.ts";
import type { Repo } from "./repo.ts";

/** A note that is to be. */
export interface NoteDraft {
  readonly kind: NoteKind;
  readonly title: string;
  /** The notes that the fields of the kind name, by field. Each gets a link to the new note. */
  readonly parents: Readonly<Record<string, ArtifactNote>>;
  /** What the template's placeholders mean, beside those that follow from the above. */
  readonly values: PlaceholderValues;
}

/** A note that was made. */
export interface CreatedNote {
  readonly id: ArtifactId;
  readonly path: string;
  /** Notes that got a link to it. */
  readonly linked: readonly string[];
}

/**
 * Writes a note from its template and links it from its parents; all or nothing. The id is the next free one: those of
 * deleted notes and of fetched remote branches count as taken.
 *
 * @param finish what else becomes of the text before it is written
 * @throws {AexpError} `repo.not_installed`, `cli.usage`, `template.invalid`, `note.*`, and what `finish` throws
 */
export async function createNote(
  repo: Repo,
  draft: NoteDraft,
  finish: (text: string, id: ArtifactId) => Promise<string> = async (text) => text,
): Promise<CreatedNote> {
  const title = checkTitle(draft.title);
  requireInstalled(repo);
  const { kind } = draft;
  // Git is asked before the others are made to wait.
  const known = await highestEverCommitted(repo, kind);
  return await repo.notes.edit(async () => {
    const id = toArtifactId(kind, Math.max(known, await repo.notes.highestNumber(kind)) + 1);
    const path = `${folderOf(kind)}/${id}-${toSlug(title)}.md`;
    const text = await editNote(path, async () => finish(await writeText(repo, { ...draft, title }, id), id));
    const parents = await changeParents(repo, draft, id);
    return {
      changes: [{ path, text }, ...parents],
      value: { id, path, linked: parents.map((change) => change.path) },
    };
  });
}

/** Refuses to write into a repository that would show aexp's own files to git. @throws {AexpError} `repo.not_installed` */
export function requireInstalled(repo: Repo): void {
  if (repo.marker !== undefined) return;
  throw new AexpError(`${JSON.stringify(repo.root)} is no aexp repository on this machine`, {
    code: "repo.not_installed",
    hint: "Run `aexp install`.",
  });
}

/** The highest number that notes of a kind have in any commit of any branch that this clone knows. */
export async function highestEverCommitted(repo: Repo, kind: NoteKind): Promise<number> {
  const paths = await repo.git.filesEverIn(folderOf(kind));
  const numbers = paths.flatMap((path) => {
    const found = identify(path);
    return found?.type === "artifact" && found.kind === kind ? [numberOfId(found.id)] : [];
  });
  return numbers.reduce((highest, number) => Math.max(highest, number), 0);
}

/** Today in UTC, as notes spell dates. */
export function today(repo: Repo): string {
  return toInstant(repo.clock.nowMs()).slice(0, 10);
}

const MAX_TITLE_LENGTH = 200;

function checkTitle(title: string): string {
  const clean = title.trim();
  const problem =
    clean === ""
      ? "is empty"
      : /[\p{Cc}\u2028\u2029]/u.test(clean)
        ? "holds line breaks or control characters"
        : clean.length > MAX_TITLE_LENGTH
          ? `has more than ${MAX_TITLE_LENGTH} characters`
          : undefined;
  if (problem === undefined) return clean;
  throw new AexpError(`the title ${JSON.stringify(clean.slice(0, 60))} ${problem}`, {
    code: "cli.usage",
    hint: "Give one short line that says what the note is about.",
  });
}

async function writeText(repo: Repo, draft: NoteDraft, id: ArtifactId): Promise<string> {
  const template = readTemplate(repo.notes, draft.kind);
  const parents = Object.values(draft.parents).map((parent) => parent.id);
  const targets = [...new Set([...parents, ...presentSpecials(repo)])];
  const filled = fillTemplate(template.text, {
    ...draft.values,
    ARTIFACT_ID: id,
    TITLE: draft.title,
    DATE: today(repo),
    LINKS_BLOCK: targets.map((target) => `- [[${target}]]`).join("\n"),
  });
  const read = await parseNote(filled);
  if (read.kind === "unreadable") {
    const { message, line, column } = read.problem;
    throw new AexpError(
      `the template ${template.path ?? draft.kind} gives a note that cannot be read: ${message} (line ${line}, column ${column})`,
      { code: "template.invalid", hint: "Repair its frontmatter, or delete it to use the one that comes with aexp." },
    );
  }
  return await addMissing(repo, { draft, id, targets }, filled, read.note);
}

interface Wanted {
  readonly draft: NoteDraft;
  readonly id: ArtifactId;
  readonly targets: readonly string[];
}

/** A template of the repository may leave out what every note needs; it is put in. */
async function addMissing(repo: Repo, { draft, id, targets }: Wanted, filled: string, note: Note): Promise<string> {
  let text = filled;
  if (note.fields.get("id") === undefined) text = await setField(text, "id", id);
  if (!aliasesOf(note).includes(id)) text = await appendToList(text, "aliases", [id]);
  const { requiredFields, vocabularies } = NOTE_SHAPES[draft.kind];
  for (const field of new Set([...requiredFields, ...Object.keys(draft.parents)])) {
    if (fieldOf(note, field) !== undefined) continue;
    const given = draft.parents[field]?.id ?? valueOf(draft.values, field) ?? vocabularies[field]?.[0];
    text = await setField(text, field, given ?? today(repo));
  }
  const masked = maskInert(text);
  const section = sectionTitled(findSections(masked), "Links");
  const links = section === undefined ? [] : findWikilinks(masked, section.bodyStart, section.end);
  const missing = targets.filter((target) => !links.some((link) => link.target === target));
  return section === undefined || missing.length > 0 ? addLinks(text, missing) : text;
}

/** The value that a placeholder of the same name as a field has. */
function valueOf(values: PlaceholderValues, field: string): string | undefined {
  const placeholder = PLACEHOLDERS.find((name) => name === field.toUpperCase());
  return placeholder === undefined ? undefined : values[placeholder];
}

function aliasesOf(note: Note): readonly unknown[] {
  const value = note.fields.get("aliases");
  return Array.isArray(value) ? value : [value];
}

/** The two notes that say what all the work is for, as far as they are there. */
function presentSpecials(repo: Repo): readonly string[] {
  return (["ACTIVE", "CHALLENGE"] as const).filter(
    (name) => repo.notes.read(`${KB_FOLDER}/${SPECIAL_NOTES[name].path}`).kind === "text",
  );
}

async function changeParents(repo: Repo, draft: NoteDraft, id: ArtifactId): Promise<readonly NoteChange[]> {
  const changes = new Map<string, NoteChange>();
  for (const { path } of Object.values(draft.parents)) {
    const { raw, links } = requireText(await findNote(repo, path));
    if (links.some((link) => artifactIdOf(link.target) === id)) continue;
    changes.set(path, { path, text: await editNote(path, () => addLinks(raw, [id])) });
  }
  return [...changes.values()];
}
