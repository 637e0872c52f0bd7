/** A heading and what stands below it. Offsets count UTF-16 units in the whole text of the note. */
export interface Section {
  /** 1 for `#`, 2 for `##`. */
  readonly level: number;
  readonly title: string;
  /** Of the heading, from 1. */
  readonly line: number;
  readonly start: number;
  /** Where the line after the heading begins. */
  readonly bodyStart: number;
  /** Where the next heading of the same or a higher level begins, or the text ends. */
  readonly end: number;
}

/** `[[target#heading|words]]`, or `![[target]]`. */
export interface Wikilink {
  /** What is linked, without heading, block and words; empty for a link to a heading of the same note. */
  readonly target: string;
  /** Whether the target is shown in place. */
  readonly isEmbed: boolean;
  /** From 1. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

/** What a reader of the note does not take for text, each with its end: frontmatter, code, comments. */
const INERT = new RegExp(
  [
    // Frontmatter, at the very beginning.
    String.raw`(?<![^])\uFEFF?---[ \t]*\r?\n(?:[^]*?\n)??---[ \t]*(?=\r?\n|$(?![^]))`,
    // Fenced code, up to a fence of the same kind that is at least as long, or the end of the text.
    String.raw`^ {0,3}(?<fence>(?<mark>[\x60~])\k<mark>{2,})[^\n]*(?:\n[^]*?(?:^ {0,3}\k<fence>\k<mark>*[ \t\r]*$|$(?![^]))|$(?![^]))`,
    // Code in a line.
    String.raw`(?<!\x60)(?<ticks>\x60+)(?!\x60)[^\n]+?(?<!\x60)\k<ticks>(?!\x60)`,
    // Comments of Markdown and of Obsidian; without an end they reach to the end of the text.
    String.raw`<!--[^]*?(?:-->|$(?![^]))`,
    String.raw`%%[^]*?(?:%%|$(?![^]))`,
  ].join("|"),
  "gm",
);
const HAS_INERT = /^(?:\uFEFF)?---|[`~%]|<!--/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*\r?$/gm;
const WIKILINK = /(!?)\[\[([^[\]\n]+)\]\]/g;

/**
 * The text with frontmatter, code, comments and a byte-order mark blanked; every other character keeps its place, and
 * every line its number.
 */
export function maskInert(text: string): string {
  const masked = HAS_INERT.test(text)
    ? text.replace(INERT, (inert) => inert.replace(/[^\r\n]+/g, (words) => " ".repeat(words.length)))
    : text;
  return masked.startsWith("\uFEFF") ? ` ${masked.slice(1)}` : masked;
}

/** The sections of a masked text, in order. */
export function findSections(masked: string): readonly Section[] {
  const lines = new LineCounter(masked);
  const headings = [...masked.matchAll(HEADING)].map(({ 0: whole, 1: marks = "", 2: title = "", index }) => ({
    level: marks.length,
    title: title.trim(),
    line: lines.at(index),
    start: index,
    bodyStart: Math.min(index + whole.length + 1, masked.length),
  }));
  // Seen from the end, the next heading of each level is known; one of a higher level ends those below it.
  const ends = Array<number>(7).fill(masked.length);
  return headings
    .toReversed()
    .map((heading) => {
      const end = ends[heading.level] ?? masked.length;
      ends.fill(heading.start, heading.level);
      return { ...heading, end };
    })
    .toReversed();
}

/** The first section of level 2 with a title, upper and lower case alike. */
export function sectionTitled(sections: readonly Section[], title: string): Section | undefined {
  const wanted = title.toLowerCase();
  return sections.find((section) => section.level === 2 && section.title.toLowerCase() === wanted);
}

/** The wikilinks of a masked text between two offsets, in order. */
export function findWikilinks(masked: string, from = 0, to: number = masked.length): readonly Wikilink[] {
  const lines = new LineCounter(masked);
  const links: Wikilink[] = [];
  WIKILINK.lastIndex = from;
  for (let match = WIKILINK.exec(masked); match !== null && match.index < to; match = WIKILINK.exec(masked)) {
    const [whole, embed = "", inner = ""] = match;
    const start = match.index;
    links.push({
      target: linkTarget(inner),
      isEmbed: embed !== "",
      line: lines.at(start),
      start,
      end: start + whole.length,
    });
  }
  return links;
}

/** The target of what stands in the brackets: `H001` of `H001#Evidence|the first`. In a table the bar has a backslash. */
function linkTarget(inner: string): string {
  const [target = ""] = inner.split(/\\?\||[#^]/, 1);
  return target.trim();
}

/** Line numbers of ascending offsets. */
class LineCounter {
  readonly #text: string;
  #line = 1;
  /** Where the line ends; looked for once, however many offsets are on it. */
  #end: number;

  constructor(text: string) {
    this.#text = text;
    this.#end = text.indexOf("\n");
  }

  at(offset: number): number {
    while (this.#end !== -1 && this.#end < offset) {
      this.#line += 1;
      this.#end = this.#text.indexOf("\n", this.#end + 1);
    }
    return this.#line;
  }
}
