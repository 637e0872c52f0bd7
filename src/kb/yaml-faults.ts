import type { Document, YAMLError } from "yaml";
import type * as Yaml from "yaml";

/** What is wrong with a text, in one line, and the offset where it begins. */
export interface YamlFault {
  readonly message: string;
  readonly offset: number;
}

/**
 * A fault that the `yaml` package found, in words that say what to do. The package writes for people who know how YAML
 * is parsed, and sometimes quotes the text with its line breaks. What is not closed is reported where it was opened.
 */
export function explainFault(
  yaml: (typeof Yaml)["default"],
  document: Document,
  text: string,
  error: YAMLError,
): YamlFault {
  const [offset] = error.pos;
  const [, bracket] = /end with a ([\]}])$/.exec(error.message) ?? [];
  if (bracket !== undefined) {
    const what = bracket === "]" ? "list" : "mapping";
    const message = `the ${what} that begins here has no closing ${bracket}, or its next line is not indented`;
    return { message, offset: findOpening(yaml, document, text, offset, bracket) ?? offset };
  }
  const [, quote] = /^Missing closing (["'])quote$/.exec(error.message) ?? [];
  if (quote !== undefined) {
    const message = `the text that begins here has no closing ${quote}`;
    return { message, offset: findOpening(yaml, document, text, offset, quote) ?? offset };
  }
  const isDirective = error.message.startsWith("Missing directives-end");
  return { message: sentenceFor(error, text), offset: isDirective ? text.search(/^%/m) : offset };
}

/** Whether the package warns of something that changes what the text means: a tag that it ignores. */
export function isIgnoredTag(warning: YAMLError): boolean {
  return warning.code === "TAG_RESOLVE_FAILED" || warning.code === "BAD_COLLECTION_TYPE";
}

function sentenceFor({ code, message, pos: [from, to] }: YAMLError, text: string): string {
  const fixed = SENTENCES.find(([pattern]) => pattern.test(`${code}: ${message}`))?.[1];
  if (fixed !== undefined) return fixed;
  const quoted = shorten(text.slice(from, to));
  if (code === "BAD_SCALAR_START") return `a value cannot begin with ${quoted.slice(0, 1)}; put it in quotes`;
  if (code === "BAD_ALIAS") return `${quoted} lacks a name; put the value in quotes if it begins so`;
  if (code === "TAG_RESOLVE_FAILED" || code === "BAD_COLLECTION_TYPE") {
    return `the tag ${quoted} means nothing here; put the value in quotes if it begins with !`;
  }
  if (code === "BAD_DQ_ESCAPE") {
    const escape = shorten(text.slice(from, from + 2));
    return `${escape} means nothing in double quotes; write \\\\ for a backslash, or use single quotes`;
  }
  return message.replace(/\s+/g, " ");
}

/** By code and words of the package. */
const SENTENCES: readonly (readonly [RegExp, string])[] = [
  [/^TAB_AS_INDENT/, "a tab in the indentation; use spaces"],
  [/^MULTIPLE_DOCS/, "a second document begins here; a frontmatter has one"],
  [/^MULTILINE_IMPLICIT_KEY/, "expected `key: value` on one line, with a space after the colon"],
  [/^KEY_OVER_1024_CHARS/, "a key is longer than 1024 characters"],
  [/^BAD_INDENT/, "the indentation fits no line above"],
  [/^BLOCK_AS_IMPLICIT_KEY: Nested/, "a second key on the line; put a value with a colon in quotes"],
  [/^BLOCK_AS_IMPLICIT_KEY/, "a list cannot be a key"],
  [/^BLOCK_IN_FLOW/, "a comma is missing before this, or a value with a colon is not in quotes"],
  [/: Implicit map keys/, "expected `key: value`; the colon is missing"],
  [/: Missing directives-end/, "a line that begins with % cannot be read; put the value in quotes"],
  [/: Missing , /, "a comma is missing before this"],
  [/: Missing space after :/, "a space is missing after the colon"],
  [/: Comments must be separated/, "a space is missing before the #"],
  [/: Tags and anchors must be separated/, "a space is missing after the tag or anchor"],
  [/ at node end$/, "text after the end of a value; put the whole value in quotes"],
  [/: Block scalar header|: Not a YAML token/, "text after | or > on the same line; put the value in quotes"],
  [/: Unexpected block-seq-ind/, "a list must begin on the next line; put a value that begins with - in quotes"],
  [/: Unexpected empty item|: Unexpected ,/, "nothing stands before the comma"],
  [/: Unexpected flow-seq-end/, "a ] that closes nothing"],
  [/: Unexpected flow-map-end/, "a } that closes nothing"],
];

const MAX_QUOTE_LENGTH = 40;

/** A piece of a note for a message. */
export function shorten(text: string): string {
  const short = text.length > MAX_QUOTE_LENGTH ? `${text.slice(0, MAX_QUOTE_LENGTH)}…` : text;
  return short.replace(/\s+/g, " ").trim();
}

/** Where the innermost node begins that reaches to an offset and lacks its closing character. */
function findOpening(
  yaml: (typeof Yaml)["default"],
  document: Document,
  text: string,
  offset: number,
  closing: string,
): number | undefined {
  const opening = closing === "]" ? "[" : closing === "}" ? "{" : closing;
  let found: number | undefined;
  yaml.visit(document, (_, node) => {
    if (!yaml.isNode(node) || node.range === undefined || node.range === null) return;
    const [start, valueEnd, end] = node.range;
    const isClosed = valueEnd - start > 1 && text[valueEnd - 1] === closing;
    if (start < offset && offset <= end && text[start] === opening && !isClosed) found = Math.max(found ?? 0, start);
  });
  return found;
}
