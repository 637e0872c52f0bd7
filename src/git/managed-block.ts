import { AexpError } from "../model/errors.ts";

const BEGIN = "# agentic-experiments:begin";
const END = "# agentic-experiments:end";

/** The merged text, and whether it differs from the text that came in. */
export interface BlockMerge {
  readonly text: string;
  readonly changed: boolean;
}

/** The lines of our block in `.gitignore`. `runStorePath` is relative to the root, with forward slashes. */
export function ignoreLines(runStorePath: string): readonly string[] {
  return [
    "# Written by `aexp install`: the ledger is shared, everything else stays on its machine.",
    ".aexp/*",
    "!.aexp/runs-index/",
    "!.aexp/ledger/",
    `/${runStorePath.replaceAll(/[\\*?[\] ]/g, String.raw`\$&`)}/`,
  ];
}

/** The lines of our block in `.gitattributes`. */
export const ATTRIBUTE_LINES: readonly string[] = [
  "# Written by `aexp install`: two outcomes of one run are merged, and both are kept.",
  ".aexp/ledger/*.json merge=aexp-ledger",
];

/**
 * Puts our block into the text of a `.gitignore` or `.gitattributes`.
 *
 * Bytes outside the two markers belong to the user and come back as they were; calling it again with the same lines
 * changes nothing. A present block is replaced where it stands, because a later line overrides an earlier one; an
 * absent one is appended after a blank line. A file whose lines end in CRLF stays so.
 *
 * @param file how messages call the file
 * @throws {AexpError} `gitignore.block_broken` when the markers are not one pair, in order
 */
export function mergeManagedBlock(file: string, text: string, blockLines: readonly string[]): BlockMerge {
  const eol = /\r?\n/.exec(text)?.[0] ?? "\n";
  const block = [BEGIN, ...blockLines, END].map((line) => line + eol).join("");
  const lines = splitLines(text);
  const markers = findMarkers(file, lines);
  const merged =
    markers === undefined
      ? text + gapAfter(text, eol) + block
      : lines.slice(0, markers.begin).join("") + block + lines.slice(markers.end + 1).join("");
  return { text: merged, changed: merged !== text };
}

/** A line of the user's that hides the whole `.aexp` folder from git. */
export interface HidingLine {
  /** Counted from 1. */
  readonly number: number;
  readonly text: string;
}

/**
 * The first line outside our block that excludes the whole folder `.aexp`. Git cannot re-include a file below an
 * excluded folder, so the ledger would never be committed.
 */
export function findHidingLine(text: string): HidingLine | undefined {
  let isOurs = false;
  for (const [index, line] of splitLines(text).entries()) {
    const content = line.trim();
    if (content === BEGIN) isOurs = true;
    else if (content === END) isOurs = false;
    else if (!isOurs && /^(?:\*\*)?\/?\.aexp(?:\/|\/\*\*)?(?:\s+#.*)?$/.test(content)) {
      return { number: index + 1, text: content };
    }
  }
  return undefined;
}

/** Every line keeps its own ending. */
function splitLines(text: string): readonly string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

/** What stands between the user's last line and our block: the missing line end, and one blank line. */
function gapAfter(text: string, eol: string): string {
  if (text === "" || /(?:^|\n)\r?\n$/.test(text)) return "";
  return text.endsWith("\n") ? eol : eol + eol;
}

function findMarkers(file: string, lines: readonly string[]): { begin: number; end: number } | undefined {
  const begins = indexesOf(BEGIN, lines);
  const ends = indexesOf(END, lines);
  if (begins.length === 0 && ends.length === 0) return undefined;
  const [begin = -1] = begins;
  const [end = -1] = ends;
  if (begins.length === 1 && ends.length === 1 && begin < end) return { begin, end };
  // Guessing which half was meant could delete lines that the user wrote, so we stop instead.
  throw new AexpError(
    `${file} has ${begins.length} × "${BEGIN}" and ${ends.length} × "${END}"; expected one of each, in that order`,
    { code: "gitignore.block_broken", hint: `Delete every such line from ${file}, then run \`aexp install\`.` },
  );
}

function indexesOf(marker: string, lines: readonly string[]): number[] {
  return lines.flatMap((line, index) => (line.trim() === marker ? [index] : []));
}
