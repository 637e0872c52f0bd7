import type * as Yaml from "yaml";

type Token = Yaml.CST.Token;
type Tokens<T extends Token["type"]> = Extract<Token, { type: T }>;

const BLANKS: ReadonlySet<string> = new Set(["space", "comment", "newline"]);
const STYLES: ReadonlyMap<string, ScalarPlace["style"]> = new Map([
  ["scalar", "PLAIN"],
  ["single-quoted-scalar", "QUOTE_SINGLE"],
  ["double-quoted-scalar", "QUOTE_DOUBLE"],
]);

/** Where a value stands in its YAML: offsets, from its first character to behind its last one, without comments. */
export type ValuePlace =
  | { readonly kind: "nothing" }
  | ScalarPlace
  | BlockScalarPlace
  | FlowListPlace
  | { readonly kind: "alias" | "flow-mapping" | "list" | "mapping"; readonly start: number; readonly end: number };

/** A value on its line, or lines. */
interface ScalarPlace {
  readonly kind: "scalar";
  readonly style: "PLAIN" | "QUOTE_SINGLE" | "QUOTE_DOUBLE";
  readonly start: number;
  readonly end: number;
}

/** A value below a header such as `|` or `>-`. */
export interface BlockScalarPlace {
  readonly kind: "block-scalar";
  /** Of its header, as in `|-`. */
  readonly start: number;
  readonly headerEnd: number;
  /** Where its lines begin. */
  readonly linesStart: number;
  readonly end: number;
}

/** A list in brackets. */
export interface FlowListPlace {
  readonly kind: "flow-list";
  readonly start: number;
  readonly end: number;
  /** The last item. A comma behind it is part of it. */
  readonly last: { readonly start: number; readonly end: number; readonly hasComma: boolean } | undefined;
}

/** Where a field stands. */
export interface FieldPlace {
  /** Behind the colon, and behind an anchor and a tag if there are any. */
  readonly afterColon: number;
  readonly value: ValuePlace;
}

/** What is needed to know of a frontmatter to write into it. */
export interface YamlPlaces {
  /** The blanks before each key. */
  readonly margin: string;
  /** `not-found` for a key that is not there, `odd` for one without a colon. */
  find(key: string): FieldPlace | "not-found" | "odd";
}

/**
 * Finds where the fields of a readable frontmatter stand.
 *
 * @returns `undefined` when it is a mapping in braces or no mapping at all
 */
export async function locateFields(text: string): Promise<YamlPlaces | undefined> {
  const { default: yaml } = await import("yaml");
  const { contents } = yaml.parseDocument(text, {
    schema: "core",
    merge: false,
    resolveKnownTags: false,
    uniqueKeys: false,
    prettyErrors: false,
    keepSourceTokens: true,
  });
  if (contents === null) return { margin: "", find: () => "not-found" };
  if (!yaml.isMap(contents) || contents.srcToken?.type !== "block-map") return undefined;
  return {
    margin: " ".repeat(contents.srcToken.indent),
    find: (key) => {
      const pair = contents.items.find(({ key: name }) => yaml.isScalar(name) && keyText(name) === key);
      if (pair === undefined) return "not-found";
      const { sep, value } = pair.srcToken ?? {};
      const colon = sep?.findLast(({ type }) => type === "map-value-ind" || type === "anchor" || type === "tag");
      return colon === undefined ? "odd" : { afterColon: endOf(colon), value: placeOf(value) };
    },
  };
}

function keyText({ value, source }: Yaml.Scalar): string | undefined {
  return typeof value === "string" ? value : source;
}

function placeOf(token: Token | null | undefined): ValuePlace {
  if (token === null || token === undefined) return { kind: "nothing" };
  const range = { start: token.offset, end: endOf(token) };
  if (token.type === "block-scalar") return placeOfBlockScalar(token);
  if (token.type === "block-seq") return { kind: "list", ...range };
  if (token.type === "block-map") return { kind: "mapping", ...range };
  if (token.type === "flow-collection") {
    if (token.start.type === "flow-map-start") return { kind: "flow-mapping", ...range };
    return { kind: "flow-list", ...range, last: lastItemOf(token) };
  }
  const style = STYLES.get(token.type);
  return style === undefined ? { kind: "alias", ...range } : { kind: "scalar", style, ...range };
}

function placeOfBlockScalar({ offset, props, source }: Tokens<"block-scalar">): BlockScalarPlace {
  const header = props.find((token) => token.type === "block-scalar-header");
  const [start, headerEnd] = header === undefined ? [offset, offset] : [header.offset, endOf(header)];
  const keepsBlankLines = header !== undefined && "source" in header && header.source.includes("+");
  const lines = source.replace(keepsBlankLines ? /\n$/ : /\n+$/, "");
  const linesStart = Math.max(headerEnd, ...props.map((token) => token.offset + lengthOf(token)));
  return {
    kind: "block-scalar",
    start,
    headerEnd,
    linesStart,
    end: lines === "" ? headerEnd : linesStart + lines.length,
  };
}

function lastItemOf({ items }: Tokens<"flow-collection">): FlowListPlace["last"] {
  const last = items.map(partsOf).findLast((parts) => parts.length > 0);
  const [first] = last ?? [];
  if (last === undefined || first === undefined) return undefined;
  const end = Math.max(...last.map(endOf));
  const comma = items.flatMap((item) => item.start).find((token) => token.type === "comma" && token.offset >= end);
  return { start: first.offset, end: comma === undefined ? end : endOf(comma), hasComma: comma !== undefined };
}

/** Behind the last character of a token that means something; 0 when there is none. */
function endOf(token: Token): number {
  if (BLANKS.has(token.type)) return 0;
  if (token.type === "block-scalar") return placeOfBlockScalar(token).end;
  if (token.type === "flow-collection") return Math.max(...[token.start, ...token.end].map(endOf));
  if (token.type !== "block-map" && token.type !== "block-seq") return token.offset + lengthOf(token);
  const last = token.items.map(partsOf).findLast((parts) => parts.length > 0);
  return Math.max(token.offset, ...(last ?? []).map(endOf));
}

/** The tokens of an item that mean something. */
function partsOf({ start, key, sep = [], value }: Yaml.CST.CollectionItem): readonly Token[] {
  return [...start.filter(({ type }) => type !== "comma"), key, ...sep, value].filter(
    (token): token is Token => token !== null && token !== undefined && !BLANKS.has(token.type),
  );
}

function lengthOf(token: Token): number {
  return "source" in token ? token.source.length : 0;
}
