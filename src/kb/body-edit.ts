import { AexpError } from "../model/errors.ts";
import { findSections, maskInert, type Section, sectionTitled } from "./markdown.ts";
import { applySplices, insertLines, lineNumberAt, lineStartAt, nextLineAt, type Splice } from "./text-edit.ts";

/**
 * Adds `- [[target]]` lines to the `## Links` section, below its last line and with the bullet of its last list; the
 * section is made at the end of the note when there is none.
 *
 * @throws {AexpError} `note.not_editable` when they would be in code or a comment that has no end
 */
export function addLinks(text: string, targets: readonly string[]): string {
  const note = new NoteBody(text);
  const section = note.section("Links");
  if (section === undefined) {
    return note.insert(text.length, ["## Links", "", ...targets.map((target) => `- [[${target}]]`)]);
  }
  if (targets.length === 0) return text;
  const bullet = bulletOf(note.masked.slice(section.bodyStart, section.end));
  const lines = targets.map((target) => `${bullet}[[${target}]]`);
  return note.insertBelow(section, lines, /^[ \t]*(?:[-*+]|\d+[.)])[ \t]/);
}

/**
 * Replaces what stands below a heading, up to the next one of level 1 or 2. A missing section is put before `## Links`,
 * else at the end.
 *
 * @param body its lines end in LF; no blank lines around them
 * @throws {AexpError} `note.not_editable` for a body that would be more than one section, or a place in code or a
 *   comment that has no end
 */
export function setSection(text: string, heading: string, body: string): string {
  const lines = linesOf(body.replaceAll(/^(?:[ \t]*\r?\n)+|\s+$/g, ""), `## ${heading}`);
  const inner = findSections(maskInert(`\n${body}`)).find(({ level }) => level <= 2);
  if (inner !== undefined) {
    const marks = "#".repeat(inner.level);
    throw new AexpError(`the text for "## ${heading}" has the heading ${JSON.stringify(`${marks} ${inner.title}`)}`, {
      code: "note.not_editable",
      hint: "Begin headings inside a section with ###.",
    });
  }
  const note = new NoteBody(text);
  const section = note.section(heading);
  const content = lines.length === 0 ? [] : ["", ...lines];
  if (section === undefined) return note.insertBeforeLinks([`## ${heading}`, ...content]);
  return note.replaceSection(section, content);
}

/**
 * Replaces what stands between the lines `<!-- aexp:NAME:begin -->` and `<!-- aexp:NAME:end -->`. Without them they are
 * put, with the text between them, at the end of a section; where that is missing, before `## Links` or at the end.
 *
 * @throws {AexpError} `note.not_editable` for a begin without its end, or two of them
 */
export function setMarkedBlock(text: string, name: string, heading: string, body: string): string {
  const [begin, end] = [`<!-- aexp:${name}:begin -->`, `<!-- aexp:${name}:end -->`];
  const lines = linesOf(body, `the block aexp:${name}`);
  const begins = markersIn(text, begin);
  const ends = markersIn(text, end);
  const [first, last] = [begins[0], ends[0]];
  if (first === undefined && last === undefined) {
    const note = new NoteBody(text);
    const section = note.section(heading);
    const block = [begin, ...lines, end];
    return section === undefined ? note.insertBeforeLinks(block) : note.insertBelow(section, block);
  }
  if (first === undefined || last === undefined || first > last || begins.length > 1 || ends.length > 1) {
    const line = lineNumberAt(text, Math.min(first ?? Infinity, last ?? Infinity));
    throw new AexpError(`the markers aexp:${name} do not make one pair (line ${line})`, {
      code: "note.not_editable",
      hint: `Leave one ${begin} and one ${end}, in this order, or delete them all.`,
    });
  }
  const content = lines.map((line) => `${line}\n`).join("");
  return applySplices(text, [{ start: nextLineAt(text, first), end: lineStartAt(text, last), text: content }]);
}

/** The text of a note, and where something can be put into it so that a reader sees it. */
class NoteBody {
  readonly masked: string;
  readonly #text: string;
  readonly #sections: readonly Section[];

  constructor(text: string) {
    this.masked = maskInert(text);
    this.#text = text;
    this.#sections = findSections(this.masked);
  }

  section(title: string): Section | undefined {
    return sectionTitled(this.#sections, title);
  }

  /** Puts lines where a line begins or the text ends, with a blank line around them unless there is one. */
  insert(offset: number, lines: readonly string[], isTight = false): string {
    const before = this.#text.slice(0, offset).replace(/\r?\n$/, "");
    const isBlankBefore = before.slice(lineStartAt(before, before.length)).trim() === "";
    const after = this.#text.slice(offset, nextLineAt(this.#text, offset));
    const all = [...(isTight || isBlankBefore ? [] : [""]), ...lines, ...(after.trim() === "" ? [] : [""])];
    return this.#splice(insertLines(this.#text, offset, all));
  }

  /**
   * Puts lines below the last line of a section that is not blank.
   *
   * @param tight which last lines they follow without a blank line between
   */
  insertBelow(section: Section, lines: readonly string[], tight?: RegExp): string {
    const own = this.#text.slice(section.bodyStart, section.end).trimEnd();
    if (own === "") {
      const first = nextLineAt(this.#text, section.bodyStart);
      const isBlank = first <= section.end && this.#text.slice(section.bodyStart, first).trim() === "";
      return this.insert(isBlank ? first : section.bodyStart, lines);
    }
    const last = section.bodyStart + own.length - 1;
    const lastLine = this.#text.slice(lineStartAt(this.#text, last), last + 1);
    return this.insert(nextLineAt(this.#text, last), lines, tight?.test(lastLine));
  }

  insertBeforeLinks(lines: readonly string[]): string {
    const links = this.section("Links")?.start ?? this.#text.length;
    // A heading in the first line begins with the byte-order mark, which stays the first character.
    return this.insert(links === 0 && this.#text.startsWith("\uFEFF") ? 1 : links, lines);
  }

  replaceSection({ start, bodyStart, end }: Section, lines: readonly string[]): string {
    const isLast = end === this.#text.length;
    const isOpenEnd = isLast && !this.#text.endsWith("\n");
    const heading = this.#text.slice(start, bodyStart);
    const lead = lines.length === 0 || heading.endsWith("\n") ? "" : "\n";
    const tail = isLast ? "" : "\n";
    const text = lead + lines.join("\n") + (isOpenEnd || lines.length === 0 ? "" : "\n") + tail;
    return this.#splice({ start: bodyStart, end, text });
  }

  #splice(splice: Splice): string {
    const open = openPart(this.#text, this.masked);
    if (open !== undefined && splice.end > open) {
      throw new AexpError(`code or a comment that begins on line ${lineNumberAt(this.#text, open)} has no end`, {
        code: "note.not_editable",
        hint: "Close it, so that what comes below it can be seen.",
      });
    }
    return applySplices(this.#text, [splice]);
  }
}

/** Where code or a comment begins that reaches to the end of the text because nothing closes it. */
function openPart(text: string, masked: string): number | undefined {
  if (maskInert(`${text}\nx`).endsWith("x")) return undefined;
  const visible = masked.trimEnd().length;
  return visible + text.slice(visible).search(/\S/);
}

/** The lines of what is put into a note. */
function linesOf(body: string, place: string): readonly string[] {
  const text = body.replaceAll(/\r\n?/g, "\n");
  if (!maskInert(`\n${text}\nx`).endsWith("x")) {
    throw new AexpError(`the text for ${place} has code or a comment without an end`, {
      code: "note.not_editable",
      hint: "Close it, or put a backslash before the characters that begin it.",
    });
  }
  return text === "" ? [] : text.split("\n");
}

/** The bullet of the last item that is no part of another one, with the blanks around it. */
function bulletOf(section: string): string {
  const bullets = [...section.matchAll(/^([ \t]*)[-*+] +(?=\S)/gm)].map(({ 0: bullet, 1: indent = "" }) => ({
    bullet,
    indent: indent.length,
  }));
  const outer = Math.min(...bullets.map(({ indent }) => indent));
  return bullets.findLast(({ indent }) => indent === outer)?.bullet ?? "- ";
}

/** Where a marker stands on a line of its own, not shown as code and not in another comment. */
function markersIn(text: string, marker: string): readonly number[] {
  const places: number[] = [];
  // A marker is a comment, which the mask blanks like code; with words in its place it shows what is around it.
  const words = "x".repeat(marker.length);
  for (let at = text.indexOf(marker); at !== -1; at = text.indexOf(marker, at + 1)) {
    const end = at + marker.length;
    const isAlone = text.slice(lineStartAt(text, at), nextLineAt(text, at)).trim() === marker;
    if (isAlone && maskInert(text.slice(0, at) + words + text.slice(end))[at] === "x") places.push(at);
  }
  return places;
}
