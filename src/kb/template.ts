import { AexpError } from "../model/errors.ts";
import { NOTE_SHAPES, type NoteKind } from "./artifact.ts";
import type { NoteStore } from "./kb-store.ts";
import { findSections, maskInert } from "./markdown.ts";
import { OWN_TEMPLATES } from "./own-templates.ts";

/** Where a repository keeps templates of its own. */
const TEMPLATE_FOLDER = "templates";

/** What new notes of a kind begin as. */
export interface Template {
  readonly text: string;
  /** The repository's own file, relative to the root; absent for ours. */
  readonly path: string | undefined;
}

/**
 * The repository's template of a kind, or ours where it has none.
 *
 * @throws {AexpError} `template.invalid` when the repository's file cannot be read
 */
export function readTemplate(store: NoteStore, kind: NoteKind): Template {
  const path = `${TEMPLATE_FOLDER}/${NOTE_SHAPES[kind].template}`;
  if (!store.list(TEMPLATE_FOLDER, "flat").files.includes(path)) return { text: OWN_TEMPLATES[kind], path: undefined };
  const file = store.read(path);
  if (file.kind === "text") return { text: file.text, path };
  throw new AexpError(`the template ${path} cannot be read: ${file.problem}`, {
    code: "template.invalid",
    hint: "Repair it, or delete it to use the one that comes with aexp.",
  });
}

/** The titles of the `## ` sections that a note of this kind must have; `## Links` is asked for by itself. */
export function templateHeadings(store: NoteStore, kind: NoteKind): readonly string[] {
  return findSections(maskInert(readTemplate(store, kind).text)).flatMap(({ level, title }) =>
    level === 2 && title.toLowerCase() !== "links" ? [title] : [],
  );
}

/** What stands in a template for what only the new note knows. */
export const PLACEHOLDERS = [
  "ARTIFACT_ID",
  "TITLE",
  "DATE",
  "THREAD_ID",
  "HYPOTHESIS_ID",
  "EXPERIMENT_ID",
  "IMPACT",
  "SOURCE_TYPE",
  "SOURCE_URL",
  "RELEVANCE",
  "TARGET",
  "TARGET_ID",
  "TARGET_ID_DISPLAY",
  "REQUESTED_BY",
  "REVIEWER",
  "SCOPE",
  "CHALLENGE_REVIEW_ID",
  "LINKS_BLOCK",
] as const;
export type Placeholder = (typeof PLACEHOLDERS)[number];

/** What the placeholders mean in one note; those without a value become nothing. */
export type PlaceholderValues = Readonly<Partial<Record<Placeholder, string>>>;

const PLACEHOLDER = new RegExp(String.raw`(["']?)\{(${PLACEHOLDERS.join("|")})\}\1`, "g");
const FRONTMATTER = /^(?:\uFEFF)?---[ \t]*\r?\n[^]*?\n---[ \t]*(?:\r?\n|$)/;

/** A template with its placeholders filled in. In the frontmatter, values are written so that YAML reads them as they are. */
export function fillTemplate(template: string, values: PlaceholderValues): string {
  const head = FRONTMATTER.exec(template)?.[0] ?? "";
  const body = template.slice(head.length);
  return fill(head, values, toYamlText) + fill(body, values, (value, quote) => `${quote}${value}${quote}`);
}

function fill(text: string, values: PlaceholderValues, write: (value: string, quote: string) => string): string {
  return text.replaceAll(PLACEHOLDER, (_, quote: string, key: string) => write(valueOf(values, key), quote));
}

function valueOf(values: PlaceholderValues, key: string): string {
  const found = PLACEHOLDERS.find((placeholder) => placeholder === key);
  return (found === undefined ? undefined : values[found]) ?? "";
}

/** Ids and dates need no quotes; the rest is double-quoted, where YAML reads what JSON writes. */
function toYamlText(value: string, quote: string): string {
  if (quote === "'") return `'${value.replaceAll("'", "''")}'`;
  return quote === "" && /^(?:[A-Z]{1,2}\d{3,}|\d{4}-\d\d-\d\d)$/.test(value) ? value : JSON.stringify(value);
}
