import type { NoteText } from "./knowledge-base.ts";

/** One `## ` section of a note as a reader sees it. */
export interface ReadableSection {
  readonly title: string;
  /** Its lines without comments, without blank lines at either end, and never two blank ones in a row. */
  readonly lines: readonly string[];
}

const COMMENT = /<!--[^]*?-->|%%[^]*?%%/g;

/** The sections that somebody wrote something into, and the titles of those that hold nothing but guidance. */
export function readableSections(text: NoteText): {
  readonly written: readonly ReadableSection[];
  readonly empty: readonly string[];
} {
  const written: ReadableSection[] = [];
  const empty: string[] = [];
  for (const { level, title, bodyStart, end } of text.sections) {
    if (level !== 2 || title.toLowerCase() === "links") continue;
    const lines = toLines(text.raw.slice(bodyStart, end).replace(COMMENT, ""));
    if (lines.length === 0) empty.push(title);
    else written.push({ title, lines });
  }
  return { written, empty };
}

function toLines(text: string): readonly string[] {
  const lines = text.split(/\r?\n/).map((line) => line.trimEnd());
  const kept = lines.filter((line, index) => line !== "" || (index > 0 && lines[index - 1] !== ""));
  const first = kept.findIndex((line) => line !== "");
  return first === -1 ? [] : kept.slice(first, kept.findLastIndex((line) => line !== "") + 1);
}
