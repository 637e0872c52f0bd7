import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { mergeEntries, mergeEntryTexts } from "../../../src/ledger/merge.ts";
import { parseLedgerEntry } from "../../../src/ledger/parse-entry.ts";
import {
  type Exact,
  type ExactObject,
  isExactObject,
  toExact,
  toSortedPrettyJson,
} from "../../../src/model/exact-json.ts";
import { parseExactObject } from "../../../src/model/exact-json-reader.ts";
import { entryText } from "../../helpers/clones.ts";

const text = toSortedPrettyJson;

describe("mergeEntries", () => {
  it("lets the outcome that ended later stand and keeps the other one", () => {
    const early = entry({
      registered_machine: "a",
      status: "failed",
      ended_at: "2026-11-21T04:00:00Z",
      reason: { code: "oom" },
    });
    const late = entry({ registered_machine: "b", status: "complete", ended_at: "2026-11-21T05:00:00Z" });

    const merged = mergeEntries(early, late);

    expect(merged.get("status")).toBe("complete");
    expect(JSON.parse(text(merged)).other_attempts).toEqual([
      { ended_at: "2026-11-21T04:00:00Z", reason: { code: "oom" }, registered_machine: "a", status: "failed" },
    ]);
  });

  it("takes the later promotion, then the greater label, when both ended at the same time", () => {
    const [old, fresh] = [
      entry({ promoted_at: "2026-01-01T00:00:00Z" }),
      entry({ promoted_at: "2026-01-02T00:00:00Z" }),
    ];
    expect(mergeEntries(old, fresh).get("promoted_at")).toBe("2026-01-02T00:00:00Z");
    expect(
      mergeEntries(entry({ registered_machine: "x" }), entry({ registered_machine: "y" })).get("registered_machine"),
    ).toBe("y");
  });

  it("adds no other attempt for the same outcome promoted twice", () => {
    const merged = mergeEntries(
      entry({ promoted_at: "2026-01-01T00:00:00Z" }),
      entry({ promoted_at: "2026-01-02T00:00:00Z" }),
    );
    expect(merged.has("other_attempts")).toBe(false);
  });

  it("is commutative", () => {
    fc.assert(
      fc.property(entries(), entries(), (a, b) => {
        expect(text(mergeEntries(a, b))).toBe(text(mergeEntries(b, a)));
      }),
    );
  });

  it("is associative", () => {
    fc.assert(
      fc.property(entries(), entries(), entries(), (a, b, c) => {
        expect(text(mergeEntries(mergeEntries(a, b), c))).toBe(text(mergeEntries(a, mergeEntries(b, c))));
      }),
      { numRuns: 500 },
    );
  });

  it("changes nothing when merged again", () => {
    fc.assert(
      fc.property(entries(), entries(), (a, b) => {
        const once = mergeEntries(a, b);
        expect(text(mergeEntries(once, a))).toBe(text(once));
        expect(text(mergeEntries(once, once))).toBe(text(once));
      }),
    );
  });

  it("gives an entry that the schema accepts, with every outcome and every foreign key of both", () => {
    fc.assert(
      fc.property(entries(), entries(), (a, b) => {
        const merged = mergeEntries(a, b);
        expect(parseLedgerEntry("", text(merged)).kind).toBe("entry");
        for (const key of [...a.keys(), ...b.keys()].filter((name) => name.startsWith("x-")))
          expect(merged.has(key)).toBe(true);
        const outcomes = [merged, ...list(merged.get("other_attempts"))].map(outcomeOf);
        for (const side of [a, b]) expect(outcomes).toContain(outcomeOf(side));
      }),
    );
  });
});

describe("mergeEntryTexts", () => {
  const { id, text: sound } = entryText(1);
  const file = `${id}.json`;

  it.each(["", "not json", "[]", `<<<<<<< a\n${sound}`, sound.replace(id, "0".repeat(32))])(
    "keeps the readable side",
    (broken) => {
      expect(mergeEntryTexts(file, sound, broken)).toBe(sound);
      expect(mergeEntryTexts(file, broken, sound)).toBe(sound);
    },
  );

  it("gives up when neither side can be read", () => {
    expect(mergeEntryTexts(file, "x", "y")).toBeUndefined();
  });
});

function entry(changes: Record<string, Parameters<typeof toExact>[0]>): ExactObject {
  return new Map([
    ...parseExactObject(entryText(1).text),
    ...Object.entries(changes).map(([key, value]) => [key, toExact(value)] as const),
  ]);
}

function entries(): fc.Arbitrary<ExactObject> {
  const instant = fc.constantFrom(
    "2026-11-21T04:00:00Z",
    "2026-11-21T04:00:00.5Z",
    "2026-11-21T05:00:00+01:00",
    "2026-11-22T00:00:00Z",
  );
  const outcome = {
    registered_machine: fc.constantFrom("a", "b", "é", "😀"),
    status: fc.constantFrom("complete", "failed", "stopped", "abandoned"),
    ended_at: fc.option(instant, { nil: undefined }),
    reason: fc.option(fc.record({ code: fc.constantFrom("oom", "lost") }), { nil: undefined }),
  };
  const foreign = fc.dictionary(
    fc.constantFrom("x-a", "x-b", "x-1"),
    fc.oneof(fc.string(), fc.integer(), fc.constant(null)),
  );
  const fields = fc.record({
    ...outcome,
    promoted_at: instant,
    exit_code: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
    other_attempts: fc.option(fc.array(fc.record(outcome), { maxLength: 3 }), { nil: undefined }),
  });
  return fc.tuple(fields, foreign).map(([own, others]) => {
    const defined = Object.entries({ ...own, ...others }).filter(([, value]) => value !== undefined);
    return entry(JSON.parse(JSON.stringify(Object.fromEntries(defined))));
  });
}

function list(value: Exact | undefined): readonly ExactObject[] {
  return Array.isArray(value) ? value.filter((item: Exact) => isExactObject(item)) : [];
}

function outcomeOf(outcome: ExactObject): string {
  return ["registered_machine", "status", "ended_at"].map((key) => JSON.stringify(outcome.get(key))).join(" ");
}
