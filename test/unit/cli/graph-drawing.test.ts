import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { GraphNote } from "../../../src/app/read-graph.ts";
import { renderGraphDot } from "../../../src/cli/render/graph-dot.ts";
import { renderGraphMermaid } from "../../../src/cli/render/graph-mermaid.ts";
import { renderGraphText } from "../../../src/cli/render/graph-text.ts";
import { textWidth } from "../../../src/cli/render/text-width.ts";
import { buildNoteGraph, type NoteGraph } from "../../../src/kb/note-graph.ts";
import { toSafeLine } from "../../../src/model/terminal-text.ts";

/** A hypothesis with this title, and an experiment below it. */
function graphOf(title: string): NoteGraph<GraphNote> {
  const common = { tags: [], path: "x.md" } as const;
  return buildNoteGraph<GraphNote>([
    { id: "H001", kind: "hypothesis", title, status: "TESTING", parents: {}, ...common },
    { id: "H001", kind: "hypothesis", title, parents: {}, ...common },
    {
      id: "E001",
      kind: "experiment",
      title,
      parents: { hypothesis: "H001" },
      runs: { total: 9, by_status: { complete: 8, failed: 1 } },
      ...common,
    },
  ]);
}

const HOSTILE = [
  '"] --> X["',
  "end",
  "style: #34;a;",
  "classDef x:#1;2",
  "%%{init: {}}%% %% comment",
  "`**bold**` <b onclick='x'>&quot;&#34;#quot;</b>",
  "1. list",
  "line\nbreak\r\n\u2028\u0000",
  "ﬂ°quot¶ß",
  "\\",
  '\\"',
  "\\N\\G\\n&amp;&nosuch;",
  "graph subgraph click href :::x ~~~ @{ shape: x }",
  "漢字 🧪 ü ‮abc",
  "",
];
const words = fc.array(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: "binary", maxLength: 8 })), {
  maxLength: 3,
});
/** Short enough not to be cut. */
const titles = words.map((parts) => parts.join(" ")).filter((title) => textWidth(toSafeLine(title)) <= 80);

/** Labels by key, read by the grammar of mermaid's flowcharts as far as we use it, after what mermaid does before that. */
function readMermaid(text: string): ReadonlyMap<string, string> {
  const encoded = text
    .replaceAll(/%%\{[\s\S]*?\}%%/g, "")
    .replaceAll(/^\s*%%(?!\{)[^\n]+\n?/gm, "")
    .replaceAll(/style.*:\S*#.*;/g, (found) => found.slice(0, -1))
    .replaceAll(/classDef.*:\S*#.*;/g, (found) => found.slice(0, -1))
    .replaceAll(/#(\w+);/g, "ﬂ°°$1¶ß");
  const [head, ...lines] = encoded.split("\n");
  expect(head).toBe("flowchart TD");
  const labels = new Map<string, string>();
  const rest: string[] = [];
  for (const line of lines) {
    const [, key, label] = /^ {2}(\w+)\["([^"]*)"\]:::[a-zA-Z]+$/.exec(line) ?? [];
    if (key === undefined || label === undefined) rest.push(line);
    else labels.set(key, label);
  }
  expect(rest).toEqual([
    "  H001 --> E001",
    expect.stringMatching(/^ {2}classDef hypothesis fill:#[0-9a-f]{6},stroke:#[0-9a-f]{6},color:#[0-9a-f]{6}$/),
    expect.stringMatching(/^ {2}classDef experiment fill:#[0-9a-f]{6},stroke:#[0-9a-f]{6},color:#[0-9a-f]{6}$/),
  ]);
  return labels;
}

/** What a browser shows of a label: nothing of it may be markup but the break between the lines. */
function shownByMermaid(label: string): string {
  const lines = label.split("<br/>");
  expect(lines.join("")).not.toMatch(/[<>&"`#;:%{}[\]*_~|\\@]/);
  return lines
    .map((line) => line.replaceAll(/ﬂ°°(\d+)¶ß/g, (_, code: string) => String.fromCodePoint(Number(code))))
    .join("\n");
}

/** Labels by key, read by the grammar of Graphviz as far as we use it. */
function readDot(text: string): ReadonlyMap<string, string> {
  const string = String.raw`"((?:[^"\\]|\\["\\n])*)"`;
  const node = new RegExp(`^ {2}${string} \\[label=${string}, fillcolor=${string}, color=${string}\\];$`);
  const [open, graph, defaults, ...lines] = text.split("\n");
  expect([open, lines.pop()]).toEqual(["digraph research {", "}"]);
  expect([graph, defaults].join(" ")).toMatch(
    /^ {2}graph \[(?:\w+="[^"]*"(?:, )?)+\]; {3}node \[(?:\w+="[^"]*"(?:, )?)+\];$/,
  );
  const labels = new Map<string, string>();
  const rest: string[] = [];
  for (const line of lines) {
    const [, key, label] = node.exec(line) ?? [];
    if (key === undefined || label === undefined) rest.push(line);
    else labels.set(key, label);
  }
  expect(rest).toEqual(['  "H001" -> "E001";']);
  return labels;
}

/** What Graphviz writes for a label: escapes, then names of characters. */
function shownByDot(label: string): string {
  expect(label).not.toMatch(/&(?!amp;)/);
  const text = label.replaceAll(/\\(.)/g, (_, sign: string) => (sign === "n" ? "\n" : sign));
  return text.replaceAll("&amp;", "&");
}

function expectedLabels(title: string): readonly string[] {
  const safe = toSafeLine(title).trim();
  return [`H001 ${safe}\nTESTING`, `H001 ${safe}`, `E001 ${safe}\n9 runs: 8 complete, 1 failed`];
}

describe("drawings of the graph", () => {
  it.each(HOSTILE)("survive the title %j", (title) => {
    const mermaid = readMermaid(renderGraphMermaid(graphOf(title)));
    expect([...mermaid.values()].map(shownByMermaid)).toEqual(expectedLabels(title));
    const dot = readDot(renderGraphDot(graphOf(title)));
    expect([...dot.values()].map(shownByDot)).toEqual(expectedLabels(title));
  });

  it("survive any title, and keep it", () => {
    fc.assert(
      fc.property(titles, (title) => {
        const mermaid = readMermaid(renderGraphMermaid(graphOf(title)));
        expect([...mermaid.keys()]).toEqual(["H001", "H001_2", "E001"]);
        expect([...mermaid.values()].map(shownByMermaid)).toEqual(expectedLabels(title));
        const dot = readDot(renderGraphDot(graphOf(title)));
        expect([...dot.keys()]).toEqual(["H001", "H001_2", "E001"]);
        expect([...dot.values()].map(shownByDot)).toEqual(expectedLabels(title));
      }),
      { numRuns: 500 },
    );
  });

  it("are a line for each note as text, no wider than the terminal", () => {
    fc.assert(
      fc.property(titles, fc.integer({ min: 30, max: 90 }), (title, width) => {
        const screen = { width, color: false, isTTY: true, nowMs: 0, isUnicode: true };
        const lines = renderGraphText(graphOf(title), screen).split("\n");
        expect(lines).toHaveLength(3);
        for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(width);
      }),
    );
  });
});
