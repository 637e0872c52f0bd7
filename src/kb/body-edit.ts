import { AexpError } from "../model/errors.ts";
import { findSections, maskInert, type Section, sectionTitled } from "./markdown.ts";

/**
 * Adds `- [[target]]` lines to the `## Links` section, below its last line and with the bullet of its last list; the
 * section is made at the end of the note when there is none.
 */
export function addLinks(text: string, targets: readonly string[]): string {
  const masked = maskInert(text);
  const section = sectionTitled(findSections(masked), "Links");
  if (section === undefined) {
    return appendBlock(text, ["## Links", "", ...targets.map((target) => `- [[${target}]]`)]);
  }
  if (targets.length === 0) return text;
  const body = masked.slice(section.bodyStart, section.end);
  const bullet = [...body.matchAll(/^([-*+]) /gm)].at(-1)?.[1] ?? "-";
  const lines = targets.map((target) => `${bullet} [[${target}]]`);
  return insertBelow(text, section, lines, /^[ \t]*(?:[-*+]|\d+[.)])[ \t]/m.test(lastLine(text, section)));
}

/**
 * Replaces what stands below a heading, up to the next one of level 1 or 2. A missing section is put before `## Links`,
 * else at the end.
 *
 * @param body its lines end in LF; no blank lines around them
 */
export function setSection(text: string, heading: string, body: string): string {
  const sections = findSections(maskInert(text));
  const section = sectionTitled(sections, heading);
  const eol = eolOf(text);
  const lines = body.split("\n").join(eol);
  if (section === undefined) return insertBeforeLinks(text, [`## ${heading}`, "", ...body.split("\n")]);
  const isLast = section.end === text.length;
  const head = text.slice(0, section.bodyStart);
  const lead = head.endsWith("\n") ? "" : eol;
  const tail = isLast ? (text.endsWith("\n") ? eol : "") : eol + eol;
  return `${head}${lead}${eol}${lines}${tail}${text.slice(section.end)}`;
}

/**
 * Replaces what stands between the lines `<!-- aexp:NAME:begin -->` and `<!-- aexp:NAME:end -->`. Without them they are
 * put, with the text between them, at the end of a section; where that is missing, before `## Links` or at the end.
 *
 * @throws {AexpError} `note.not_editable` for a begin without its end, or two of them
 */
export function setMarkedBlock(text: string, name: string, heading: string, body: string): string {
  const [begin, end] = [`<!-- aexp:${name}:begin -->`, `<!-- aexp:${name}:end -->`];
  const begins = markersIn(text, begin);
  const ends = markersIn(text, end);
  const eol = eolOf(text);
  const lines = body.split("\n");
  const [first, last] = [begins[0], ends[0]];
  if (first === undefined && last === undefined) {
    const block = [begin, ...lines, end];
    const section = sectionTitled(findSections(maskInert(text)), heading);
    return section === undefined ? insertBeforeLinks(text, block) : insertBelow(text, section, block, false);
  }
  if (first === undefined || last === undefined || first > last || begins.length > 1 || ends.length > 1) {
    const line = text.slice(0, Math.min(first ?? Infinity, last ?? Infinity)).split("\n").length;
    throw new AexpError(`the markers aexp:${name} do not make one pair (line ${line})`, {
      code: "note.not_editable",
      hint: `Leave one ${begin} and one ${end}, in this order, or delete them all.`,
    });
  }
  return `${text.slice(0, first + begin.length)}${eol}${lines.join(eol)}${eol}${text.slice(last)}`;
}

/** Where a marker stands on a line of its own, not shown as code. */
function markersIn(text: string, marker: string): readonly number[] {
  // A marker is a comment, which the mask blanks like code; with words in its place only code is blanked.
  const visible = maskInert(text.replaceAll(marker, "x".repeat(marker.length)));
  const places: number[] = [];
  for (let at = text.indexOf(marker); at !== -1; at = text.indexOf(marker, at + 1)) {
    const lineStart = text.lastIndexOf("\n", at - 1) + 1;
    if (visible[at] === "x" && text.slice(lineStart, at).trim() === "") places.push(at);
  }
  return places;
}

/** Puts lines below the last line of a section that is not blank, with a blank line between unless `isTight`. */
function insertBelow(text: string, section: Section, lines: readonly string[], isTight: boolean): string {
  const eol = eolOf(text);
  const start = section.start;
  const end = start + text.slice(start, section.end).trimEnd().length;
  const isHeadingOnly = end <= section.bodyStart;
  const gap = isTight && !isHeadingOnly ? eol : eol + eol;
  return `${text.slice(0, end)}${gap}${lines.join(eol)}${text.slice(end)}`;
}

function insertBeforeLinks(text: string, lines: readonly string[]): string {
  const links = sectionTitled(findSections(maskInert(text)), "Links");
  if (links === undefined) return appendBlock(text, lines);
  const eol = eolOf(text);
  return `${text.slice(0, links.start)}${lines.join(eol)}${eol}${eol}${text.slice(links.start)}`;
}

/** Puts lines at the end of a note, which keeps a missing last line break missing. */
function appendBlock(text: string, lines: readonly string[]): string {
  const eol = eolOf(text);
  if (text === "" || text === "\uFEFF") return `${text}${lines.join(eol)}${eol}`;
  const hasBreak = text.endsWith("\n");
  const isBlankBefore = /\n[ \t]*\r?\n$/.test(text);
  return `${text}${hasBreak ? "" : eol}${isBlankBefore ? "" : eol}${lines.join(eol)}${hasBreak ? eol : ""}`;
}

function lastLine(text: string, section: Section): string {
  const body = text.slice(section.start, section.end).trimEnd();
  return body.slice(body.lastIndexOf("\n") + 1);
}

/** The line break of a text: its first one. */
function eolOf(text: string): string {
  return /\r?\n/.exec(text)?.[0] ?? "\n";
}
