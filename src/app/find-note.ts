import { isArtifactId, kindOfId, NOTE_KINDS, NOTE_SHAPES, type NoteKind } from "../kb/artifact.ts";
import { type ArtifactNote, type NoteText, readNote } from "../kb/knowledge-base.ts";
import { folderOf, identify } from "../kb/note-place.ts";
import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";
import type { Repo } from "./repo.ts";

/**
 * The note that a user names by its id, its file name or its path.
 *
 * @param kinds kinds that are accepted; all, when absent
 * @throws {AexpError} `note.not_found`, `note.ambiguous`, `cli.usage` for an id of another kind
 */
export async function findNote(
  repo: Repo,
  name: string,
  kinds: readonly NoteKind[] = NOTE_KINDS,
): Promise<ArtifactNote> {
  const stem = stemOf(name);
  const id = idNamedBy(name);
  const kind = kindOfId(id);
  if (!isArtifactId(id) || kind === undefined) throw noId(name, kinds);
  if (!kinds.includes(kind)) {
    throw new AexpError(`${id} is ${withArticle(kind)}, not ${kinds.map(withArticle).join(" or ")}`, {
      code: "cli.usage",
      hint: `Run \`aexp ${topicOf(kind)} show ${id}\`.`,
    });
  }
  const paths = repo.notes.list(folderOf(kind), "flat").files;
  const named = paths.filter((path) => identifiedAs(path) === id);
  const exact = named.filter((path) => path === name || path.endsWith(`/${stem}.md`));
  const [path, ...others] = exact.length === 1 ? exact : named;
  if (path === undefined) {
    const known = paths.flatMap((candidate) => identifiedAs(candidate) ?? []);
    throw new AexpError(`there is no ${words(kind)} ${id}.${didYouMean(id, known)}`, {
      code: "note.not_found",
      hint: `\`aexp ${topicOf(kind)} list\` shows all.`,
    });
  }
  if (others.length > 0) {
    throw new AexpError(`${named.length} notes have the id ${id}: ${named.join(", ")}`, {
      code: "note.ambiguous",
      hint: `Give one of them a new id: \`aexp renumber ${id} FILE\`.`,
    });
  }
  const note = await readNote(repo.notes, path);
  if (note.type === "artifact") return note;
  throw new Error(`${path} has an id in its name and is no note with an id`);
}

/** The id in what a user calls a note: `H001` of `h001` and of `kb/research/hypotheses/H001-slow.md`. */
export function idNamedBy(name: string): string {
  const stem = stemOf(name);
  return (/^[A-Za-z]{1,2}\d+(?=$|-)/.exec(stem)?.[0] ?? stem).toUpperCase();
}

function stemOf(name: string): string {
  return (name.split("/").at(-1) ?? "").replace(/\.md$/, "");
}

/** The text of a note, or the reason why there is none. @throws {AexpError} `note.unreadable` */
export function requireText({ path, content }: ArtifactNote): NoteText {
  if (content.kind === "text") return content.text;
  const place = content.line === undefined ? "" : `:${content.line}:${content.column}`;
  throw new AexpError(`${path}${place} cannot be read: ${content.problem}`, {
    code: "note.unreadable",
    hint: "Repair the file; `aexp validate` names every fault.",
  });
}

/** The command topic of a kind: both kinds of reviews share one. */
export function topicOf(kind: NoteKind): string {
  return kind === "challenge-review" || kind === "strategic-review" ? "review" : kind;
}

/** What messages call a kind. */
function words(kind: NoteKind): string {
  return kind === "literature" ? "literature note" : kind.replace("-", " ");
}

function withArticle(kind: NoteKind): string {
  return `${/^[aeiou]/.test(kind) ? "an" : "a"} ${words(kind)}`;
}

function identifiedAs(path: string): string | undefined {
  const found = identify(path);
  return found?.type === "artifact" ? found.id : undefined;
}

function noId(name: string, kinds: readonly NoteKind[]): AexpError {
  const examples = kinds.map((kind) => `${NOTE_SHAPES[kind].prefix}001`);
  return new AexpError(`${JSON.stringify(name)} is no id of a note: expected one like ${examples.join(" or ")}`, {
    code: "cli.usage",
  });
}
