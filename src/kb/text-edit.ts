/** A range of a text, and what comes in its place. Line breaks of `text` are LF, whatever the text around it has. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Replaces ranges, given in ascending order, and keeps every other byte. New lines end as the line ends that they follow. */
export function applySplices(text: string, splices: readonly Splice[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const splice of splices) {
    parts.push(text.slice(at, splice.start), splice.text.replaceAll("\n", lineEndingAt(text, splice.start)));
    at = splice.end;
  }
  return parts.join("") + text.slice(at);
}

/** Lines at an offset where a line begins or the text ends. A text without a last line break does not get one. */
export function insertLines(text: string, offset: number, lines: readonly string[]): Splice {
  const isOpenEnd = offset === text.length && isMidLine(text, offset);
  return { start: offset, end: offset, text: isOpenEnd ? `\n${lines.join("\n")}` : `${lines.join("\n")}\n` };
}

/** Whether an offset is neither the beginning of the text nor that of a line; a byte-order mark is no text. */
function isMidLine(text: string, offset: number): boolean {
  return offset > 0 && text[offset - 1] !== "\n" && text.slice(0, offset) !== "\uFEFF";
}

/** Where the line after the one of an offset begins, or the text ends. */
export function nextLineAt(text: string, offset: number): number {
  const newline = text.indexOf("\n", offset);
  return newline === -1 ? text.length : newline + 1;
}

/** Where the line of an offset begins. */
export function lineStartAt(text: string, offset: number): number {
  return offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
}

/** The number of the line of an offset, from 1. */
export function lineNumberAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** How the line before an offset, or the one that the offset is in, ends; else the first line; else LF. */
function lineEndingAt(text: string, offset: number): string {
  const own = text.indexOf("\n", Math.max(0, offset - 1));
  const newline = own === -1 ? text.indexOf("\n") : own;
  return text[newline - 1] === "\r" ? "\r\n" : "\n";
}
