import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { NOTE_KINDS, NOTE_SHAPES } from "../../../src/kb/artifact.ts";
import { below, buildNoteGraph, type Linked, prune, withRelatives } from "../../../src/kb/note-graph.ts";

function note(id: string, parents: Readonly<Record<string, string>> = {}): Linked {
  const kind = NOTE_KINDS.find((candidate) => id.replace(/\d+$/, "") === NOTE_SHAPES[candidate].prefix) ?? "thread";
  return { id, kind, parents };
}

/** `T1(H1(E1))`: the tree as text. */
function tree(notes: readonly Linked[]): string {
  const graph = buildNoteGraph(notes);
  const draw = (one: Linked): string => {
    const children = graph.childrenOf(one).map(draw);
    const missing = graph.missingParentOf(one);
    return (
      one.id + (missing === undefined ? "" : `?${missing}`) + (children.length === 0 ? "" : `(${children.join(" ")})`)
    );
  };
  return graph.roots.map(draw).join(" ");
}

const all = (): boolean => true;

const hostileNotes = fc.array(
  fc.record({
    kind: fc.constantFrom(...NOTE_KINDS),
    number: fc.integer({ min: 1, max: 4 }),
    parents: fc.dictionary(
      fc.constantFrom("thread", "hypothesis", "experiment", "target_id", "challenge_review"),
      fc.constantFrom("T1", "H1", "H2", "E1", "F1", "CR1", "SR1", "SR2", "toString", "__proto__"),
    ),
  }),
  { maxLength: 30 },
);

describe("the graph of notes", () => {
  it("hangs a note below the parent that its kind names", () => {
    expect(
      tree([
        note("T1"),
        note("H1", { thread: "T1" }),
        note("H2"),
        note("E1", { hypothesis: "H1" }),
        note("F1", { hypothesis: "H1", experiment: "E1" }),
        note("L1", { hypothesis: "H1" }),
        note("CR1", { target_id: "F1" }),
        note("SR1", { challenge_review: "CR1" }),
      ]),
    ).toBe("T1(H1(E1(F1(CR1(SR1))))) H2 L1");
  });

  it("hangs a finding without its experiment below its hypothesis, and says which parent is missing", () => {
    const lost = { hypothesis: "H1", experiment: "E9" };
    expect(tree([note("H1"), note("F1", lost), note("E2", { hypothesis: "H9" })])).toBe("H1(F1?E9) E2?H9");
    expect(tree([note("F1", lost)])).toBe("F1?E9");
  });

  it("gives the children of an id that two notes have to the first", () => {
    expect(tree([note("H1"), note("H1"), note("E1", { hypothesis: "H1" })])).toBe("H1(E1) H1");
  });

  it("makes the first of notes in a circle a root", () => {
    expect(
      tree([
        note("CR1", { target_id: "SR1" }),
        note("CR2", { target_id: "CR2" }),
        note("SR1", { challenge_review: "CR1" }),
        note("SR2", { challenge_review: "CR1" }),
      ]),
    ).toBe("CR1(SR1 SR2) CR2");
  });

  it("shows every note exactly once, whatever the notes say", () => {
    fc.assert(
      fc.property(hostileNotes, (drawn) => {
        const notes = drawn.map(({ kind, number, parents }) => note(`${NOTE_SHAPES[kind].prefix}${number}`, parents));
        const graph = buildNoteGraph(notes);
        const shown = [...below(graph, graph.roots, all)];
        expect(shown).toHaveLength(notes.length);
        expect(new Set(shown)).toEqual(new Set(notes));
        const ids = new Set(notes.map(({ id }) => id));
        expect(graph.edges.every(({ from, to }) => ids.has(from) && ids.has(to))).toBe(true);
        for (const one of notes) expect(withRelatives(graph, one).notes).toContain(one);
      }),
    );
  });

  it("can be cut to a note with what is above and below it", () => {
    const notes = [
      note("T1"),
      note("H1", { thread: "T1" }),
      note("H2", { thread: "T1" }),
      note("E1", { hypothesis: "H1" }),
      note("E2", { hypothesis: "H1" }),
      note("F1", { hypothesis: "H1", experiment: "E1" }),
    ];
    const graph = buildNoteGraph(notes);
    const [, , , e1] = notes;
    expect(e1 === undefined ? "" : tree(withRelatives(graph, e1).notes)).toBe("T1(H1(E1(F1)))");
    expect(tree(prune(graph, ({ id }) => id !== "H1").notes)).toBe("T1(H2)");
  });
});
