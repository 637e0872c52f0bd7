import type { Exact } from "../model/exact-json.ts";
import { isUnset } from "./note.ts";
import { lineStartAt, nextLineAt, type Splice } from "./text-edit.ts";
import type { BlockScalarPlace, FieldPlace, FlowListPlace, ValuePlace } from "./yaml-edit.ts";
import { toYamlLike, toYamlScalar } from "./yaml-text.ts";

/** Puts a text in place of a value, in the style of quoting that it has. */
export function valueSplices(yaml: string, { afterColon, value: place }: FieldPlace, value: string): readonly Splice[] {
  switch (place.kind) {
    case "nothing":
      return [inEmptyPlace(yaml, afterColon, toYamlScalar(value))];
    case "scalar":
      return [{ start: place.start, end: place.end, text: toYamlLike(value, place.style) }];
    case "block-scalar":
      return [
        { start: place.start, end: place.headerEnd, text: toYamlScalar(value) },
        ...linesOfBlockScalar(yaml, place, ""),
      ];
    case "alias":
    case "flow-list":
    case "flow-mapping":
      return [{ start: place.start, end: place.end, text: toYamlScalar(value) }];
    case "list":
    case "mapping":
      return [
        inEmptyPlace(yaml, afterColon, toYamlScalar(value)),
        { start: lineStartAt(yaml, place.start), end: nextLineAt(yaml, place.end), text: "" },
      ];
  }
}

/** Behind a colon; blanks before a comment stay, those at the end of a line are taken for the one that is needed. */
function inEmptyPlace(yaml: string, afterColon: number, text: string): Splice {
  const blanks = /^[ \t]+(?=\n|$)/.exec(yaml.slice(afterColon, nextLineAt(yaml, afterColon)))?.[0] ?? "";
  return { start: afterColon, end: afterColon + blanks.length, text: ` ${text}` };
}

/** Items that a list is to gain, and what is there. */
export interface ListEdit {
  readonly yaml: string;
  readonly field: FieldPlace;
  /** The blanks before each key. */
  readonly margin: string;
  readonly old: Exact | undefined;
  readonly items: readonly string[];
}

/**
 * Adds items to the list in a field, or makes one of what is there.
 *
 * @returns a text that says why that is not possible
 */
export function itemSplices(edit: ListEdit): readonly Splice[] | string {
  const { yaml, field, margin, old, items } = edit;
  const place = field.value;
  switch (place.kind) {
    case "nothing":
      return [linesAt(nextLineAt(yaml, field.afterColon), dashed(`${margin}  `, items))];
    case "alias":
      return "its value is an alias of another";
    case "list":
      return [linesAt(nextLineAt(yaml, place.end), dashed(blanksBefore(yaml, place.start), items))];
    case "mapping":
      return afterMapping(edit, place.start, place.end);
    case "flow-list":
      if (isOneLine(yaml, place)) {
        if (place.last === undefined) return insteadOfNothing(edit, place);
        if (isBareWikilink(old)) return asFirstItem(edit, place);
      }
      return afterFlowItems(yaml, place, items);
    case "flow-mapping":
      if (isOneLine(yaml, place)) return asFirstItem(edit, place);
      return [
        { start: place.start, end: place.start, text: "[" },
        { start: place.end, end: place.end, text: `, ${items.join(", ")}]` },
      ];
    case "scalar":
    case "block-scalar":
      return isUnset(old) ? insteadOfNothing(edit, place) : asFirstItem(edit, place);
  }
}

type WrittenPlace = Exclude<ValuePlace, { readonly kind: "nothing" }>;

/** Items instead of an empty value, on the lines below its key. */
function insteadOfNothing({ yaml, field: { afterColon }, margin, items }: ListEdit, place: WrittenPlace): Splice[] {
  if (yaml.slice(afterColon, place.start).includes("\n")) {
    const lines = dashed(blanksBefore(yaml, place.start), items).join("\n").trimStart();
    return [{ start: place.start, end: place.end, text: lines }];
  }
  const lines = dashed(`${margin}  `, items);
  if (place.kind === "block-scalar") {
    const text = `${lines.join("\n")}\n`;
    return [{ start: afterColon, end: place.headerEnd, text: "" }, ...linesOfBlockScalar(yaml, place, text)];
  }
  return [{ start: afterColon, end: place.end, text: "" }, linesAt(nextLineAt(yaml, place.end), lines)];
}

/** A single value stays as it is written, behind a dash on the line below its key; if it has several lines, in quotes. */
function asFirstItem({ yaml, field, margin, old, items }: ListEdit, place: WrittenPlace): readonly Splice[] | string {
  const isBelowKey = yaml.slice(field.afterColon, place.start).includes("\n");
  const blanks = isBelowKey ? blanksBefore(yaml, place.start) : `${margin}  `;
  const dash = isBelowKey
    ? { start: place.start, end: place.start, text: "- " }
    : { start: field.afterColon, end: place.start, text: `\n${blanks}- ` };
  const lines = dashed(blanks, items);
  if (place.kind !== "block-scalar" && isOneLine(yaml, place)) {
    return [dash, linesAt(nextLineAt(yaml, place.end), lines)];
  }
  if (typeof old !== "string") return "its value is written in an unusual way";
  const quoted = toYamlScalar(old);
  if (place.kind === "block-scalar") {
    const head = { start: place.start, end: place.headerEnd, text: quoted };
    return [dash, head, ...linesOfBlockScalar(yaml, place, `${lines.join("\n")}\n`)];
  }
  return [dash, { start: place.start, end: place.end, text: quoted }, linesAt(nextLineAt(yaml, place.end), lines)];
}

/** A mapping over several lines: two blanks before its first key become a dash. */
function afterMapping({ yaml, margin, items }: ListEdit, start: number, end: number): readonly Splice[] | string {
  const blanks = blanksBefore(yaml, start);
  if (!/^ *$/.test(yaml.slice(start - blanks.length, start)) || blanks.length <= margin.length) {
    return "its value is written in an unusual way";
  }
  const isNarrow = blanks.length === margin.length + 1;
  const outer = isNarrow ? margin : blanks.slice(2);
  return [
    isNarrow ? linesAt(start - blanks.length, [`${margin}-`]) : { start: start - 2, end: start, text: "- " },
    linesAt(nextLineAt(yaml, end), dashed(outer, items)),
  ];
}

/** Behind the last item in brackets; on lines of their own if that one is below the opening bracket. */
function afterFlowItems(
  yaml: string,
  { start, end, last }: FlowListPlace,
  items: readonly string[],
): readonly Splice[] {
  if (last === undefined) return [{ start: start + 1, end: start + 1, text: items.join(", ") }];
  const comma = last.hasComma ? "" : ",";
  if (!yaml.slice(start, last.start).includes("\n")) {
    return [{ start: last.end, end: last.end, text: `${comma} ${items.join(", ")}` }];
  }
  const blanks = /^[ \t]*/.exec(yaml.slice(lineStartAt(yaml, last.start)))?.[0] ?? "";
  const lines = items.map((item) => `${blanks}${item}`).join(",\n");
  const lineEnd = nextLineAt(yaml, last.end);
  if (end <= lineEnd) return [{ start: last.end, end: last.end, text: `${comma}\n${lines}` }];
  return [
    { start: last.end, end: last.end, text: comma },
    { start: lineEnd, end: lineEnd, text: `${lines}${last.hasComma ? "," : ""}\n` },
  ];
}

/** Puts a text in place of the lines of a block scalar. */
function linesOfBlockScalar(
  yaml: string,
  { headerEnd, linesStart, end }: BlockScalarPlace,
  text: string,
): readonly Splice[] {
  const hasLines = end > headerEnd;
  const start = hasLines ? linesStart : nextLineAt(yaml, headerEnd);
  return [{ start, end: hasLines ? nextLineAt(yaml, end) : start, text }];
}

function dashed(blanks: string, items: readonly string[]): readonly string[] {
  return items.map((item) => `${blanks}- ${item}`);
}

/** Lines where a line begins. A frontmatter ends with a line break, so there is always one to follow. */
export function linesAt(offset: number, lines: readonly string[]): Splice {
  return { start: offset, end: offset, text: lines.map((line) => `${line}\n`).join("") };
}

/** As many blanks as an offset is away from the beginning of its line. */
function blanksBefore(yaml: string, offset: number): string {
  return " ".repeat(offset - lineStartAt(yaml, offset));
}

function isOneLine(yaml: string, { start, end }: WrittenPlace): boolean {
  return !yaml.slice(start, end).includes("\n");
}

/** A wikilink without quotes is a list in a list to YAML, but means one value. */
export function isBareWikilink(value: Exact | undefined): boolean {
  return isList(value) && value.length === 1 && isList(value[0]) && value[0].length === 1;
}

export function isList(value: Exact | undefined): value is readonly Exact[] {
  return Array.isArray(value);
}
